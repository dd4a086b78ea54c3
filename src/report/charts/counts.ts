import { grouped, percent } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { at, figure } from "./figure.ts";

export interface CountRow {
  readonly label: string;
  readonly count: number;
}

const WIDTH = 400;
const LEFT = 118;
const RIGHT = 330;
const TOP = 8;
const ROW = 32;
const BAR = 14;

/** How many of each kind, one bar below the other; the whole length is all of them. */
export function countsChart(
  chart: { readonly id: string; readonly title: string; readonly description: string },
  rows: readonly CountRow[],
): Markup {
  const total = rows.reduce((sum, { count }) => sum + count, 0);
  const share = (count: number) => (total === 0 ? 0 : count / total);
  return figure({
    ...chart,
    width: WIDTH,
    height: TOP + ROW * rows.length,
    drawing: rows.map(({ label, count }, i) => {
      const y = TOP + ROW * (i + 0.5);
      const bar = (name: string, width: number) =>
        html`<rect class="${name}" x="${LEFT}" y="${at(y - BAR / 2)}" width="${at(width)}" height="${BAR}" rx="2"/>`;
      return html`<text x="0" y="${at(y + 4)}">${label}</text>${bar("track", RIGHT - LEFT)}${bar("c-score fill", (RIGHT - LEFT) * share(count))}
<text class="strong" text-anchor="end" x="${WIDTH}" y="${at(y + 4)}">${grouped(count)}</text>`;
    }),
    table: {
      columns: [{ name: "" }, { name: "findings", numeric: true }, { name: "share", numeric: true }],
      rows: rows.map(({ label, count }) => [label, grouped(count), percent(share(count))]),
    },
  });
}
