import type { PairedRate } from "../../assess/schema.ts";
import { interval, percent } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { shareGrid } from "./axes.ts";
import { at, figure } from "./figure.ts";
import { type Look, markAt } from "./series.ts";

/** A rate before and after. */
export interface DumbbellRow {
  readonly label: string;
  readonly look: Look;
  readonly rate: PairedRate;
  /** `+31.2` */
  readonly change: string;
  /** Shown struck through: the figure does not hold. */
  readonly withdrawn: boolean;
}

const WIDTH = 400;
const LEFT = 104;
const RIGHT = 344;
const TOP = 10;
const ROW = 42;
/** How far the intervals stand off the line between the two marks: before above, after below. */
const OFF = 10;

/** Rates from 0 to 100 %, one below the other: hollow before, filled after, each with its 95 % interval, and an arrow between them. */
export function dumbbellChart(
  chart: { readonly id: string; readonly title: string; readonly description: string },
  rows: readonly DumbbellRow[],
): Markup {
  const bottom = TOP + ROW * rows.length;
  const x = (share: number) => LEFT + (RIGHT - LEFT) * share;
  const whisker = ({ low, high }: PairedRate["before"]["sampling95"], y: number) =>
    html`<path class="line thin" d="M${at(x(low))} ${at(y - 3)}v6M${at(x(low))} ${at(y)}H${at(x(high))}M${at(x(high))} ${at(y - 3)}v6"/>`;
  const drawn = rows.map(({ label, look, rate: { before, after }, change, withdrawn }, i) => {
    const y = TOP + ROW * (i + 0.5);
    return html`<text x="0" y="${at(y + 4)}">${label}</text>
<g class="${look.color}">${whisker(before.sampling95, y - OFF)}${whisker(after.sampling95, y + OFF)}${arrow(x(before.value), x(after.value), y)}<circle class="hollow" cx="${at(x(before.value))}" cy="${at(y)}" r="5"/></g>${markAt({ ...look, mark: "circle" }, x(after.value), y, 5)}
<text class="strong${withdrawn ? " struck" : ""}" text-anchor="end" x="${WIDTH}" y="${at(y + 4)}">${change}</text>`;
  });
  return figure({
    ...chart,
    width: WIDTH,
    height: bottom + 24,
    drawing: [shareGrid(TOP, bottom, x), drawn],
    table: {
      columns: [
        { name: "" },
        { name: "before", numeric: true },
        { name: "95 % interval", numeric: true },
        { name: "after", numeric: true },
        { name: "95 % interval", numeric: true },
      ],
      rows: rows.map(({ label, rate: { before, after }, withdrawn }) => [
        withdrawn ? `${label} (withdrawn)` : label,
        percent(before.value),
        interval(before.sampling95),
        percent(after.value),
        interval(after.sampling95),
      ]),
    },
  });
}

/** The way between the marks; none where they touch. */
function arrow(from: number, to: number, y: number): Markup | null {
  const way = to - from;
  if (Math.abs(way) < 12) return null;
  const sign = Math.sign(way);
  const tip = to - sign * 7;
  return html`<path class="line" d="M${at(from + sign * 5)} ${at(y)}H${at(tip)}M${at(tip - sign * 5)} ${at(y - 4)}L${at(tip)} ${at(y)}L${at(tip - sign * 5)} ${at(y + 4)}"/>`;
}
