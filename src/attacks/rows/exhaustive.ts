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
  const clean = limits.space.levels(x0);
  let left = queries;
  let all = true;
  for (let count = 1; count <= Math.min(threat.effectiveEpsilon, limits.free.length); count++) {
    let rows = changesOf(limits, clean, count, { values: MOST_ROWS, rows: left });
    if (rows === null) {
      all = false;
      rows = changesOf(limits, clean, count, { values, rows: MOST_ROWS }) ?? NO_CHANGES;
    }
    const order = cheapestFirst(rows, limits, clean).subarray(0, left);
    for (let from = 0; from < order.length; from += BLOCK)
      await sample.misleadsAny(pointsOf(rows, order.subarray(from, from + BLOCK), limits, x0));
    left -= order.length;
  }
  return all ? "exhausted" : undefined;
}

/** Rows whose points are made at once. */
const BLOCK = 4096;

/** Legal rows that differ from a clean one in `count` fields: of each the fields, and the levels to which they are brought. */
interface Changes {
  readonly count: number;
  readonly fields: readonly number[];
  readonly levels: readonly number[];
}

const NO_CHANGES: Changes = { count: 1, fields: [], levels: [] };

/**
 * The legal rows with exactly so many changed fields, of at most `most.values` values for each. Null if there are more than `most.rows`, or more
 * than may be looked at.
 */
function changesOf(
  { free, legal, ...limits }: RowLimits,
  clean: Levels,
  count: number,
  most: { readonly values: number; readonly rows: number },
): Changes | null {
  // Of a field that has more values than may be looked at, those listed would not be all.
  if (most.values >= MOST_ROWS && free.some((field) => span(limits, field, clean[field]!) >= MOST_ROWS)) return null;
  const choices = free.flatMap((field): Choice[] => {
    const levels = limits.options(field, clean[field]!, most.values);
    return levels.length === 0 ? [] : [{ field, levels }];
  });
  if (combinations(choices, count) > MOST_ROWS) return null;
  const changes = { count, fields: [] as number[], levels: [] as number[] };
  const row = Int32Array.from(clean);
  const chosen: number[] = [];
  const isFull = () => changes.fields.length > most.rows * count;
  const choose = (from: number, left: number): void => {
    if (left === 0) {
      if (!legal(row, clean)) return;
      for (const field of chosen) {
        changes.fields.push(field);
        changes.levels.push(row[field]!);
      }
      return;
    }
    for (let i = from; i <= choices.length - left && !isFull(); i++) {
      const { field, levels } = choices[i]!;
      chosen.push(field);
      for (const level of levels) {
        if (isFull()) break;
        row[field] = level;
        choose(i + 1, left - 1);
      }
      chosen.pop();
      row[field] = clean[field]!;
    }
  };
  choose(0, count);
  return isFull() ? null : changes;
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

/** Which rows to ask first, by number. */
function cheapestFirst({ count, fields, levels }: Changes, { space }: RowLimits, clean: Levels): Int32Array {
  const rows = fields.length / count;
  const costs = new Float64Array(rows);
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    costs[Math.floor(i / count)]! += space.fields[field]!.cost * space.shift(field, clean[field]!, levels[i]!);
  }
  return Int32Array.from({ length: rows }, (_, i) => i).sort((a, b) => costs[a]! - costs[b]! || a - b);
}

/** The points of rows, packed: the clean point, with each changed field written over. */
function pointsOf(
  { count, fields, levels }: Changes,
  rows: Int32Array,
  { space }: RowLimits,
  x0: Float32Array,
): Float32Array {
  const size = x0.length;
  const points = new Float32Array(rows.length * size);
  for (let i = 0; i < rows.length; i++) {
    points.set(x0, i * size);
    for (let j = rows[i]! * count; j < (rows[i]! + 1) * count; j++)
      space.fields[fields[j]!]!.write(levels[j]!, points, i * size + space.starts[fields[j]!]!);
  }
  return points;
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
