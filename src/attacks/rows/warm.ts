/**
 * From rows that fooled another version of the model: coordinate descent on the margin; by labels alone every single change of such a row, the
 * fields in a random order.
 */
import { defineAttack, defineLabelAttack } from "../attack.ts";
import { descend } from "./coordinate.ts";

export type RowWarmSettings = {
  /** For each start. */
  readonly queries: number;
  /** Values tried of each field, spread over its range, its ends among them. */
  readonly values: number;
};

export const rowWarm = defineAttack<RowWarmSettings>({
  name: "row-warm",
  knowledge: "score",
  summary: "coordinate descent over the fields of a row, from rows that fooled another version of the model",
  source: "own",
  defaults: { queries: 500, values: 24 },
  norms: ["fields"],
  warm: true,
  // For one start: more of them cost as much each.
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  async run(sample, { queries, values }) {
    for (const start of sample.starts) {
      const from = sample.threat.project(Float32Array.from(start), sample.x0);
      await descend(sample, sample.threat.rows!.space.levels(from), values, { left: queries });
    }
  },
});

export const rowWarmLabel = defineLabelAttack<RowWarmSettings>({
  name: "row-warm-label",
  summary: "every change of one more field, from rows that fooled another version of the model, by labels alone",
  source: "own",
  defaults: { queries: 500, values: 24 },
  norms: ["fields"],
  warm: true,
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  async run(sample, { queries, values }) {
    const { threat, x0, rng } = sample;
    const { space, free, legal, options } = threat.rows!;
    const clean = space.levels(x0);
    for (const start of sample.starts) {
      const from = space.levels(threat.project(Float32Array.from(start), x0));
      const points = [space.point(from)];
      for (const field of rng.shuffle([...free]))
        for (const level of [clean[field]!, ...options(field, clean[field]!, values)]) {
          if (level === from[field] || points.length === queries) continue;
          const levels = Int32Array.from(from);
          levels[field] = level;
          if (legal(levels, clean) || legal(space.derive(levels, clean), clean)) points.push(space.point(levels));
        }
      await sample.misleadsAny(packed(points));
    }
  },
});

function packed(points: readonly Float32Array[]): Float32Array {
  const size = points[0]!.length;
  const rows = new Float32Array(points.length * size);
  points.forEach((point, i) => {
    rows.set(point, i * size);
  });
  return rows;
}
