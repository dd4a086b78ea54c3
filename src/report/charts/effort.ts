import { grouped, percent } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { shareAxis } from "./axes.ts";
import { at, figure } from "./figure.ts";
import { type Look, markAt, spread } from "./series.ts";

/** What it took to fool the samples of one profile. */
export interface EffortSeries {
  readonly name: string;
  readonly look: Look;
  /** Queries until success, of the fooled samples, in rising order. */
  readonly queries: readonly number[];
  /** All samples that were attacked: those that stood need more than was spent. */
  readonly attacked: number;
}

const WIDTH = 400;
const HEIGHT = 240;
const LEFT = 44;
const RIGHT = 322;
const TOP = 12;
const BOTTOM = 190;

/**
 * Share of the attacked samples that were fooled within so many queries: a step for each success, on a logarithmic axis. The dashed
 * line at one half is where medians are read; a curve that stays below it has none.
 */
export function effortChart(
  chart: { readonly id: string; readonly title: string; readonly description: string },
  series: readonly EffortSeries[],
): Markup {
  const largest = Math.max(10, ...series.flatMap(({ queries }) => queries.slice(-1)));
  const decades = Math.ceil(Math.log10(largest));
  const x = (queries: number) => LEFT + ((RIGHT - LEFT) * Math.log10(Math.max(1, queries))) / decades;
  const y = (share: number) => BOTTOM - (BOTTOM - TOP) * share;
  const ends = series.map(({ queries, attacked }) => y(attacked === 0 ? 0 : queries.length / attacked));
  const labels = spread(ends, 14, BOTTOM);
  const ticks = Array.from({ length: decades + 1 }, (_, power) => 10 ** power);
  return figure({
    ...chart,
    width: WIDTH,
    height: HEIGHT,
    drawing: [
      shareAxis(LEFT, RIGHT, y),
      html`<path class="threshold" d="M${at(LEFT)} ${at(y(0.5))}H${at(RIGHT)}"/>`,
      ticks.map(
        (tick) =>
          html`<text class="tick" text-anchor="middle" x="${at(x(tick))}" y="${at(BOTTOM + 17)}">${grouped(tick)}</text>`,
      ),
      html`<text class="tick" text-anchor="middle" x="${at((LEFT + RIGHT) / 2)}" y="${at(HEIGHT - 8)}">queries for one sample</text>`,
      series.map((one, i) => {
        const middle = median(one);
        return html`<path class="${one.look.color} line" stroke-dasharray="${one.look.dash}" d="${steps(one, x, y, RIGHT)}"/>
${middle !== null && markAt(one.look, x(middle), y(0.5))}<text class="${one.look.color} name" x="${at(RIGHT + 6)}" y="${at(labels[i]! + 4)}">${one.name}</text>`;
      }),
    ],
    table: {
      columns: [
        { name: "attacker" },
        { name: "attacked", numeric: true },
        { name: "fooled", numeric: true },
        ...SHARES.map((share) => ({ name: `queries for ${percent(share)}`, numeric: true })),
      ],
      rows: series.map((one) => [
        one.name,
        grouped(one.attacked),
        grouped(one.queries.length),
        ...SHARES.map((share) => needed(one, share)).map((value) => (value === null ? "not reached" : grouped(value))),
      ]),
    },
  });
}

const SHARES = [0.1, 0.25, 0.5, 0.75, 0.9];

/** Queries within which this share of the attacked samples was fooled; null if it never was (nearest rank). */
function needed({ queries, attacked }: EffortSeries, share: number): number | null {
  return attacked === 0 ? null : (queries[Math.max(1, Math.ceil(share * attacked)) - 1] ?? null);
}

/** Queries that fooled half of the attacked samples; null: more than was spent. */
export function median(series: EffortSeries): number | null {
  return needed(series, 0.5);
}

function steps(
  { queries, attacked }: EffortSeries,
  x: (queries: number) => number,
  y: (share: number) => number,
  right: number,
): string {
  let path = `M${at(x(1))} ${at(y(0))}`;
  queries.forEach((value, i) => {
    // Equal values are one step.
    if (queries[i + 1] !== value) path += `H${at(x(value))}V${at(y((i + 1) / attacked))}`;
  });
  return `${path}H${at(right)}`;
}
