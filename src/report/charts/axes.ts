import { html, type Markup } from "../markup.ts";
import { at } from "./figure.ts";

const SHARES = [0, 0.25, 0.5, 0.75, 1];

/** Upright lines at every quarter, from `top` to `bottom`, with their per cent below. */
export function shareGrid(top: number, bottom: number, x: (share: number) => number): Markup[] {
  return SHARES.map(
    (share) => html`<path class="grid" d="M${at(x(share))} ${at(top)}V${at(bottom)}"/>
<text class="tick" text-anchor="middle" x="${at(x(share))}" y="${at(bottom + 16)}">${100 * share} %</text>`,
  );
}

/** Level lines at every quarter, from `left` to `right`, with their per cent before them. */
export function shareAxis(left: number, right: number, y: (share: number) => number): Markup[] {
  return SHARES.map(
    (share) => html`<path class="grid" d="M${at(left)} ${at(y(share))}H${at(right)}"/>
<text class="tick" text-anchor="end" x="${at(left - 6)}" y="${at(y(share) + 4)}">${100 * share} %</text>`,
  );
}
