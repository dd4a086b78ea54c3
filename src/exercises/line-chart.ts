import { at, figure } from "../report/charts/figure.ts";
import { LOOKS } from "../report/charts/series.ts";
import { epsilonText, grouped } from "../report/format.ts";
import { html, type Markup } from "../report/markup.ts";
import type { LinesChart } from "./lesson.ts";
import { figure as digits } from "./words.ts";

const WIDTH = 400;
const LEFT = 48;
const RIGHT = 388;
const TOP = 20;
const BOTTOM = 118;
/** Where the name of the axis stands; the names of the lines below it. */
const AXIS = BOTTOM + 30;
const LINE = 16;
/** Rows of the table behind a chart; longer series are thinned out evenly. */
const ROWS = 12;
const SERIES = [LOOKS["white-box"], LOOKS.score, LOOKS.label, LOOKS.transfer] as const;

/** Lines over a common axis, linear on both; their names below, so that lines may cross. */
export function lineChart(id: string, { title, description, x: across, y: up, series }: LinesChart): Markup {
  const all = series.flatMap(({ points }) => points);
  const right = Math.max(...all.map(([value]) => value));
  const left = Math.min(...all.map(([value]) => value));
  const heights = niceTicks(Math.min(0, ...all.map(([, value]) => value)), Math.max(...all.map(([, value]) => value)));
  const [low, high] = [heights[0]!, heights.at(-1)!];
  const x = (value: number) => LEFT + ((RIGHT - LEFT) * (value - left)) / Math.max(right - left, Number.MIN_VALUE);
  const y = (value: number) => BOTTOM - ((BOTTOM - TOP) * (value - low)) / (high - low);
  const ends = [left, (left + right) / 2, right];
  return figure({
    id,
    title,
    description,
    width: WIDTH,
    height: AXIS + (series.length > 1 ? LINE * series.length : 0) + 6,
    drawing: [
      heights.map(
        (value) => html`<path class="grid" d="M${LEFT} ${at(y(value))}H${RIGHT}"/>
<text class="tick" text-anchor="end" x="${LEFT - 6}" y="${at(y(value) + 4)}">${digits(value)}</text>`,
      ),
      ends.map(
        (value, i) =>
          html`<text class="tick" text-anchor="${["start", "middle", "end"][i]}" x="${at(x(value))}" y="${BOTTOM + 16}">${place(across, value)}</text>`,
      ),
      html`<text class="tick" text-anchor="middle" x="${(LEFT + RIGHT) / 2}" y="${AXIS}">${across}</text>
<text class="tick" x="2" y="10">${up}</text>`,
      series.map(({ points }, i) => {
        const path = points.map(([a, b], j) => `${j === 0 ? "M" : "L"}${at(x(a))} ${at(y(b))}`).join("");
        return html`<path class="${SERIES[i]!.color} line" stroke-dasharray="${SERIES[i]!.dash}" d="${path}"/>`;
      }),
      series.length > 1 && legend(series.map(({ name }) => name)),
    ],
    table: {
      columns: [{ name: across, numeric: true }, ...series.map(({ name }) => ({ name, numeric: true }))],
      rows: thinned(series[0]?.points ?? []).map(([value], i) => [
        place(across, value),
        ...series.map(({ points }) => digits(thinned(points)[i]?.[1] ?? Number.NaN)),
      ]),
    },
  });
}

/** Name and dashes of each line, one below the other. */
function legend(names: readonly string[]): Markup[] {
  return names.map((name, i) => {
    const y = AXIS + LINE * (i + 1);
    return html`<path class="${SERIES[i]!.color} line" stroke-dasharray="${SERIES[i]!.dash}" d="M${LEFT} ${y - 4}h22"/>
<text class="${SERIES[i]!.color} name" x="${LEFT + 28}" y="${y}">${name}</text>`;
  });
}

/** A value on the axis across: epsilons as they are typed, counts as they are read. */
function place(axis: string, value: number): string {
  return axis === "epsilon" ? epsilonText(value) : grouped(Math.round(value));
}

/** Round values from at or below `low` to at or above `high`: steps of 1, 2 or 5 times a power of ten. */
export function niceTicks(low: number, high: number, wanted = 4): number[] {
  const range = high > low ? high - low : 1;
  const power = 10 ** Math.floor(Math.log10(range / wanted));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= range / wanted) ?? 10) * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function thinned<T>(points: readonly T[]): T[] {
  if (points.length <= ROWS) return [...points];
  return Array.from({ length: ROWS }, (_, i) => points[Math.round((i * (points.length - 1)) / (ROWS - 1))]!);
}
