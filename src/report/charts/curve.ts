import { epsilonText, grouped, percent } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { shareAxis } from "./axes.ts";
import { at, figure } from "./figure.ts";
import { LOOKS, markAt } from "./series.ts";

export interface CurveChartPoint {
  readonly epsilon: number;
  readonly accuracy: number;
  readonly unbroken: number;
  readonly of: number;
}

const WIDTH = 400;
const HEIGHT = 230;
const LEFT = 44;
const RIGHT = 388;
const TOP = 16;
const BOTTOM = 182;
/** Room that a label on the axis takes. */
const LABEL = 38;

/** Accuracy against the size of the allowed change; `epsilon` of the threat itself is marked. */
export function curveChart(
  chart: { readonly id: string; readonly title: string; readonly description: string },
  points: readonly CurveChartPoint[],
  { epsilon, axis }: { readonly epsilon: number; readonly axis: string },
): Markup {
  const largest = Math.max(epsilon, ...points.map((point) => point.epsilon));
  const x = (value: number) => LEFT + ((RIGHT - LEFT) * value) / largest;
  const y = (share: number) => BOTTOM - (BOTTOM - TOP) * share;
  const line = points
    .map((point, i) => `${i === 0 ? "M" : "L"}${at(x(point.epsilon))} ${at(y(point.accuracy))}`)
    .join("");
  return figure({
    ...chart,
    width: WIDTH,
    height: HEIGHT,
    drawing: [
      shareAxis(LEFT, RIGHT, y),
      html`<path class="threshold" d="M${at(x(epsilon))} ${at(TOP)}V${at(BOTTOM)}"/>
<text class="tick" text-anchor="${x(epsilon) > 300 ? "end" : "start"}" x="${at(x(epsilon) + (x(epsilon) > 300 ? -5 : 5))}" y="${at(TOP + 10)}">this threat: ${epsilonText(epsilon)}</text>`,
      legible(
        points.map((point) => point.epsilon),
        x,
      ).map(
        (value) =>
          html`<text class="tick" text-anchor="middle" x="${at(x(value))}" y="${at(BOTTOM + 17)}">${epsilonText(value)}</text>`,
      ),
      html`<text class="tick" text-anchor="middle" x="${at((LEFT + RIGHT) / 2)}" y="${at(HEIGHT - 8)}">${axis}</text>`,
      html`<path class="${LOOKS["white-box"].color} line" d="${line}"/>`,
      points.map((point) => markAt(LOOKS["white-box"], x(point.epsilon), y(point.accuracy))),
    ],
    table: {
      columns: [
        { name: axis, numeric: true },
        { name: "accuracy", numeric: true },
        { name: "stand", numeric: true },
        { name: "of", numeric: true },
      ],
      rows: points.map((point) => [
        epsilonText(point.epsilon),
        percent(point.accuracy),
        grouped(point.unbroken),
        grouped(point.of),
      ]),
    },
  });
}

/** Of values in rising order those whose labels don't touch, the largest first: small ones crowd near zero. */
function legible(values: readonly number[], x: (value: number) => number): number[] {
  let next = Number.POSITIVE_INFINITY;
  return [...values].reverse().filter((value) => {
    if (x(value) > next - LABEL) return false;
    next = x(value);
    return true;
  });
}
