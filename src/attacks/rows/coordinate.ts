/**
 * Coordinate descent over the fields of a row: of all single changes the one that lowers the margin most, again and again, until nothing helps.
 * Fields that follow from others are computed (`derive`). Restarts begin at random legal rows.
 */
import type { Levels } from "../../inputs/row/row-space.ts";
import { defineAttack, type Sample } from "../attack.ts";

export type RowCoordinateSettings = {
  /** In all. */
  readonly queries: number;
  /** Values tried of each field in a round, spread over its range, its ends among them. */
  readonly values: number;
  readonly restarts: number;
};

interface Best {
  readonly levels: Levels;
  readonly margin: number;
}

async function runCoordinate(sample: Sample, { queries, values, restarts }: RowCoordinateSettings): Promise<void> {
  const { space } = sample.threat.rows!;
  const budget = { left: queries };
  for (let restart = 0; restart < restarts && budget.left > 0; restart++) {
    const random = restart > 0 && space.levels(sample.threat.randomPoint(sample.x0, sample.rng));
    await descend(sample, random || space.levels(sample.x0), values, budget);
  }
}

/** From a row to one that no single change makes better, or until the budget is spent. */
export async function descend(sample: Sample, from: Levels, values: number, budget: { left: number }): Promise<void> {
  const clean = sample.threat.rows!.space.levels(sample.x0);
  const isClean = from.every((level, field) => level === clean[field]);
  const margin = isClean ? sample.margin(sample.cleanScores) : await marginOf(sample, from, budget);
  let best: Best | null = { levels: from, margin };
  while (best !== null && budget.left > 0) best = await bestChange(sample, best, clean, values, budget);
}

/** The best of all single changes; null if none is better than what there is. */
async function bestChange(
  sample: Sample,
  from: Best,
  clean: Levels,
  values: number,
  budget: { left: number },
): Promise<Best | null> {
  const { space, free, legal, options } = sample.threat.rows!;
  let best: Best | null = null;
  for (const field of sample.rng.shuffle(free))
    for (const level of [clean[field]!, ...options(field, clean[field]!, values)]) {
      if (level === from.levels[field]) continue;
      const levels = changed(from.levels, field, level);
      if (!legal(levels, clean) && !legal(space.derive(levels, clean), clean)) continue;
      if (budget.left === 0) return best;
      const margin = await marginOf(sample, levels, budget);
      if (margin < (best ?? from).margin) best = { levels, margin };
    }
  return best;
}

async function marginOf(sample: Sample, levels: Levels, budget: { left: number }): Promise<number> {
  budget.left--;
  return sample.margin((await sample.scores(sample.threat.rows!.space.point(levels))).scores);
}

function changed(levels: Levels, field: number, level: number): Levels {
  const result = Int32Array.from(levels);
  result[field] = level;
  return result;
}

export const rowCoordinate = defineAttack<RowCoordinateSettings>({
  name: "row-coordinate",
  knowledge: "score",
  summary: "coordinate descent over legal values of the fields of a row, on scores alone",
  source: "own; as the first stages of searches for tree ensembles, such as arXiv:2010.11598",
  defaults: { queries: 2000, values: 24, restarts: 3 },
  norms: ["fields"],
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  run: runCoordinate,
});
