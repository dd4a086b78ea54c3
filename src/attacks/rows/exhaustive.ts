/**
 * Every legal row that differs in at most K fields, those with the fewest changed fields first, the cheapest of them first: the first success is
 * the smallest. Where all rows fit the budget, a sample that resists is proved to resist, within the schema.
 */
import type { Levels } from "../../inputs/row/row-space.ts";
import type { RowLimits } from "../../threats/threat.ts";
import { type Conclusion, defineAttack, defineLabelAttack, type LabelSample } from "../attack.ts";

export type RowExhaustiveSettings = {
  readonly queries: number;
  /** Values tried of each field where not all rows fit: spread over its range, its ends among them. */
  readonly values: number;
};

/** Rows that are looked at for one sample; those that break a relation cost no query. */
const MOST_ROWS = 1_000_000;

/** A field with the levels that it may be brought to. */
interface Choice {
  readonly field: number;
  readonly levels: Int32Array;
}

async function runExhaustive(sample: LabelSample, { queries, values }: RowExhaustiveSettings): Promise<Conclusion> {
  const { threat, x0 } = sample;
  const limits = threat.rows!;
  const { space } = limits;
  const clean = space.levels(x0);
  let left = queries;
  let all = true;
  for (let count = 1; count <= Math.min(threat.effectiveEpsilon, limits.free.length); count++) {
    let rows = rowsOf(limits, clean, count, { values: MOST_ROWS, rows: left });
    if (rows === null) {
      all = false;
      rows = rowsOf(limits, clean, count, { values, rows: MOST_ROWS }) ?? [];
    }
    const tried = cheapestFirst(rows, limits, clean).slice(0, left);
    for (const levels of tried) await sample.misleads(space.point(levels));
    left -= tried.length;
  }
  return all ? "exhausted" : undefined;
}

/**
 * The legal rows with exactly so many changed fields, of at most `most.values` values for each. Null if there are more than `most.rows`, or more
 * than may be looked at.
 */
export function rowsOf(
  { free, legal, ...limits }: RowLimits,
  clean: Levels,
  count: number,
  most: { readonly values: number; readonly rows: number },
): Levels[] | null {
  // Of a field that has more values than may be looked at, those listed would not be all.
  if (most.values >= MOST_ROWS && free.some((field) => span(limits, field, clean[field]!) >= MOST_ROWS)) return null;
  const choices = free.flatMap((field): Choice[] => {
    const levels = limits.options(field, clean[field]!, most.values);
    return levels.length === 0 ? [] : [{ field, levels }];
  });
  if (combinations(choices, count) > MOST_ROWS) return null;
  const rows: Levels[] = [];
  const row = Int32Array.from(clean);
  const choose = (from: number, left: number): void => {
    if (left === 0) {
      if (legal(row, clean)) rows.push(Int32Array.from(row));
      return;
    }
    for (let i = from; i <= choices.length - left && rows.length <= most.rows; i++) {
      const { field, levels } = choices[i]!;
      for (const level of levels) {
        if (rows.length > most.rows) break;
        row[field] = level;
        choose(i + 1, left - 1);
      }
      row[field] = clean[field]!;
    }
  };
  choose(0, count);
  return rows.length > most.rows ? null : rows;
}

function span({ reach }: Pick<RowLimits, "reach">, field: number, clean: number): number {
  const [first, last] = reach(field, clean);
  return last - first;
}

/** Sum over all choices of `count` fields of the product of their numbers of values: the elementary symmetric polynomial. */
function combinations(choices: readonly Choice[], count: number): number {
  const sums = [1, ...new Array<number>(count).fill(0)];
  for (const { levels } of choices) for (let k = count; k > 0; k--) sums[k]! += sums[k - 1]! * levels.length;
  return sums[count]!;
}

function cheapestFirst(rows: readonly Levels[], { space }: RowLimits, clean: Levels): Levels[] {
  const costs = Float64Array.from(rows, (row) => space.cost(row, clean));
  const order = Array.from(rows.keys()).sort((a, b) => costs[a]! - costs[b]! || a - b);
  return order.map((i) => rows[i]!);
}

const common = {
  source:
    "own; exhaustive search of at most K fields is the strongest first attack that URET measured (IBM, USENIX Security 2023)",
  defaults: { queries: 10_000, values: 24 },
  norms: ["fields"],
  cost: ({ queries }: RowExhaustiveSettings) => ({ queries, gradients: 0 }),
  run: runExhaustive,
} as const;

export const rowExhaustive = defineAttack<RowExhaustiveSettings>({
  ...common,
  name: "row-exhaustive",
  knowledge: "score",
  summary: "every legal change of at most K fields, smallest first: exact where all of them fit the budget",
});

export const rowExhaustiveLabel = defineLabelAttack<RowExhaustiveSettings>({
  ...common,
  name: "row-exhaustive-label",
  summary: "every legal change of at most K fields by labels alone: exact where all of them fit the budget",
});
