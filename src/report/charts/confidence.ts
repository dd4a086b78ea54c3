import { sure } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { at } from "./figure.ts";

export interface ConfidenceBar {
  readonly label: string;
  readonly confidence: number;
  /** The true class, or the wrong one. */
  readonly right: boolean;
}

const WIDTH = 100;
const HEIGHT = 8;

/** What a model believed, as bars: text first, so that it reads without the drawing. */
export function confidenceBars(bars: readonly ConfidenceBar[]): Markup {
  return html`<ul class="bars">${bars.map(
    ({ label, confidence, right }) =>
      html`<li><span><bdi>${label}</bdi></span><span class="n">${share(confidence)}</span><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="${WIDTH}" height="${HEIGHT}"/><rect class="${right ? "right" : "wrong"}" width="${at(WIDTH * confidence)}" height="${HEIGHT}"/></svg></li>`,
  )}</ul>`;
}

/** A confidence where there is little room: `> 99.9 %`. */
export function share(confidence: number): string {
  return sure(confidence).replace("more than", ">").replace("less than", "<");
}
