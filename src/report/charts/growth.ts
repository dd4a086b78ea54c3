import { grouped } from "../format.ts";
import { html, type Markup, named } from "../markup.ts";
import { at, figure } from "./figure.ts";
import { LOOKS, markAt, spread } from "./series.ts";

/** What came with one version. */
export interface GrowthStep {
  readonly name: string;
  readonly samples: number;
  readonly cells: number;
}

const WIDTH = 400;
const HEIGHT = 236;
const LEFT = 44;
const RIGHT = 322;
const TOP = 14;
const BOTTOM = 190;
/** Numbers below the axis. */
const TICKS = 12;

/** How a collection grew: sums after each version, samples and boundary cells, a step for each. Counts from 0. */
export function growthChart(
  chart: { readonly id: string; readonly title: string; readonly description: string },
  versions: readonly GrowthStep[],
): Markup {
  const sums = (of: (one: GrowthStep) => number) => {
    let sum = 0;
    return versions.map((one) => (sum += of(one)));
  };
  const series = [
    { name: "samples", look: LOOKS.score, sums: sums(({ samples }) => samples) },
    { name: "cells", look: LOOKS.label, sums: sums(({ cells }) => cells) },
  ];
  const top = niceTop(Math.max(1, ...series.flatMap((one) => one.sums)));
  const width = (RIGHT - LEFT) / Math.max(1, versions.length);
  const y = (count: number) => BOTTOM - ((BOTTOM - TOP) * count) / top;
  const labels = spread(
    series.map((one) => y(one.sums.at(-1) ?? 0)),
    14,
    BOTTOM,
  );
  const every = Math.ceil(versions.length / TICKS);
  return figure({
    ...chart,
    width: WIDTH,
    height: HEIGHT,
    drawing: [
      [0, 0.5, 1].map(
        (part) => html`<path class="grid" d="M${LEFT} ${at(y(part * top))}H${RIGHT}"/>
<text class="tick" text-anchor="end" x="${LEFT - 6}" y="${at(y(part * top) + 4)}">${grouped(part * top)}</text>`,
      ),
      versions.map(
        (_, i) =>
          (i + 1) % every === 0 &&
          html`<text class="tick" text-anchor="middle" x="${at(LEFT + width * (i + 0.5))}" y="${BOTTOM + 17}">${i + 1}</text>`,
      ),
      html`<text class="tick" text-anchor="middle" x="${at((LEFT + RIGHT) / 2)}" y="${HEIGHT - 8}">version, in the order of first failures</text>`,
      series.map(({ name, look, sums: own }, index) => {
        const path = own.map((sum, i) => `V${at(y(sum))}H${at(LEFT + width * (i + 1))}`).join("");
        return html`<path class="${look.color} line" stroke-dasharray="${look.dash}" d="M${LEFT} ${BOTTOM}${path}"/>
${markAt(look, RIGHT, y(own.at(-1) ?? 0))}<text class="${look.color} name" x="${RIGHT + 9}" y="${at(labels[index]! + 4)}">${name}</text>`;
      }),
    ],
    table: {
      columns: [
        { name: "", numeric: true },
        { name: "Version" },
        { name: "New samples", numeric: true },
        { name: "New cells", numeric: true },
        { name: "Samples then", numeric: true },
        { name: "Cells then", numeric: true },
      ],
      rows: versions.map(({ name, samples, cells }, i) => [
        i + 1,
        named(name),
        grouped(samples),
        grouped(cells),
        ...series.map((one) => grouped(one.sums[i]!)),
      ]),
    },
  });
}

/** The least of 2, 4, 10, 20, 40, 100, ... that is no smaller: its half is whole. */
function niceTop(count: number): number {
  for (let power = 1; ; power *= 10) for (const step of [2, 4, 10]) if (step * power >= count) return step * power;
}
