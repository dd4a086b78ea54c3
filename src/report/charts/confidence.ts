import { percent, sure } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { at } from "./figure.ts";

export interface ConfidenceBar {
  readonly label: string;
  readonly share: number;
  /** The true class, or the wrong one. */
  readonly right: boolean;
}

const WIDTH = 100;
const HEIGHT = 8;

/** What a model believed, as bars: text first, so that it reads without the drawing. */
export function confidenceBars(bars: readonly ConfidenceBar[]): Markup {
  return html`<ul class="bars">${bars.map(
    ({ label, share, right }) =>
      html`<li><span><bdi>${label}</bdi></span><span class="n" title="${sure(share)}">${percent(share)}</span><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="${WIDTH}" height="${HEIGHT}"/><rect class="${right ? "right" : "wrong"}" width="${at(WIDTH * share)}" height="${HEIGHT}"/></svg></li>`,
  )}</ul>`;
}
