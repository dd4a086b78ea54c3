import { grouped, interval, percent } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { shareGrid } from "./axes.ts";
import { at, figure } from "./figure.ts";
import { type Look, markAt } from "./series.ts";

/** A share with its 95 % interval. */
export interface IntervalRow {
  readonly label: string;
  readonly look: Look;
  readonly count: number;
  readonly of: number;
  readonly value: number;
  readonly interval: { readonly low: number; readonly high: number };
  /** Shown struck through: the figure does not hold. */
  readonly withdrawn?: boolean;
}

const WIDTH = 400;
const LEFT = 118;
const RIGHT = 330;
const TOP = 8;
const ROW = 32;

/** Shares from 0 to 100 %, one below the other: a mark for the value, a line for its interval. */
export function intervalsChart(
  chart: { readonly id: string; readonly title: string; readonly description: string },
  rows: readonly IntervalRow[],
): Markup {
  const bottom = TOP + ROW * rows.length;
  const x = (share: number) => LEFT + (RIGHT - LEFT) * share;
  const drawn = rows.map((row, i) => {
    const y = TOP + ROW * (i + 0.5);
    const { low, high } = row.interval;
    const ends = [low, high].map(
      (end) => html`<path class="${row.look.color} line" d="M${at(x(end))} ${at(y - 5)}v10"/>`,
    );
    return html`<text x="0" y="${at(y + 4)}">${row.label}</text>
<path class="${row.look.color} line" d="M${at(x(low))} ${at(y)}H${at(x(high))}"/>${ends}${markAt(row.look, x(row.value), y, 5)}
<text class="strong${row.withdrawn ? " struck" : ""}" text-anchor="end" x="${at(WIDTH)}" y="${at(y + 4)}">${percent(row.value)}</text>`;
  });
  return figure({
    ...chart,
    width: WIDTH,
    height: bottom + 24,
    drawing: [shareGrid(TOP, bottom, x), drawn],
    table: {
      columns: [
        { name: "" },
        { name: "stand", numeric: true },
        { name: "of", numeric: true },
        { name: "share", numeric: true },
        { name: "95 % interval", numeric: true },
      ],
      rows: rows.map(({ label, count, of, value, interval: range, withdrawn }) => [
        withdrawn ? `${label} (withdrawn)` : label,
        grouped(count),
        grouped(of),
        percent(value),
        interval(range),
      ]),
    },
  });
}
