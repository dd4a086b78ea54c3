/**
 * Every legal row that differs in at most K fields, those with the fewest changed fields first, the cheapest of them first: the first success is
 * the smallest. Where all rows fit the budget, a sample that resists is proved to resist, within the schema.
 */
import type { Levels } from "../../inputs/row/row-space.ts";
import type { RowLimits } from "../../threats/threat.ts";
import { type Conclusion, defineAttack, defineLabelAttack, type LabelSample } from "../attack.ts";

export type RowExhaustiveSettings = {
  readonly queries: number;
  /** Values tried of each field, at most, where not all rows fit: spread over its range, its ends among them. */
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
    let changes = changesOf(limits, clean, count, Number.POSITIVE_INFINITY);
    let order = cheapestLegal(changes, limits, clean, left + 1);
    if (changes === null || order.length > left) {
      all = false;
      changes = changesOf(limits, clean, count, fitting(limits, clean, count, values, left));
      order = cheapestLegal(changes, limits, clean, left);
    }
    for (let from = 0; changes !== null && from < order.length; from += BLOCK)
      await sample.misleadsAny(pointsOf(changes, order.subarray(from, from + BLOCK), limits, x0));
    left -= order.length;
  }
  return all ? "exhausted" : undefined;
}

/** Rows whose points are made at once. */
const BLOCK = 4096;

/** Rows that differ from a clean one in `count` fields: of each the fields, and the levels to which they are brought. */
interface Changes {
  readonly count: number;
  readonly fields: Int32Array;
  readonly levels: Int32Array;
}

/** All rows with exactly so many changed fields, of at most `values` values for each, legal together or not; null if there are more than may be looked at. */
function changesOf({ free, reach, options }: RowLimits, clean: Levels, count: number, values: number): Changes | null {
  // Told before they are listed: a field may have millions of values.
  if (combinations(spans({ free, reach }, clean, values), count) > MOST_ROWS) return null;
  const choices = free.map((field): Choice => ({ field, levels: options(field, clean[field]!, values) }));
  const size =
    count *
    combinations(
      choices.map(({ levels }) => levels.length),
      count,
    );
  const changes = { count, fields: new Int32Array(size), levels: new Int32Array(size) };
  const chosen: { field: number; level: number }[] = [];
  let at = 0;
  const choose = (from: number): void => {
    if (chosen.length === count) {
      for (const { field, level } of chosen) {
        changes.fields[at] = field;
        changes.levels[at++] = level;
      }
      return;
    }
    for (let i = from; i <= choices.length - count + chosen.length; i++)
      for (const level of choices[i]!.levels) {
        chosen.push({ field: choices[i]!.field, level });
        choose(i + 1);
        chosen.pop();
      }
  };
  choose(0);
  return changes;
}

/** How many other values each free field may be brought to, at most `values` of them. */
function spans({ free, reach }: Pick<RowLimits, "free" | "reach">, clean: Levels, values: number): number[] {
  return free.map((field) => {
    const [first, last] = reach(field, clean[field]!);
    return Math.min(values, last - first);
  });
}

/** The most values of each field of which all rows fit; two, the ends of its range, in any case. */
function fitting(limits: RowLimits, clean: Levels, count: number, values: number, rows: number): number {
  let fewer = values;
  while (fewer > 2 && combinations(spans(limits, clean, fewer), count) > rows) fewer--;
  return fewer;
}

/** Sum over all choices of `count` fields of the product of their numbers of values: the elementary symmetric polynomial. */
function combinations(values: readonly number[], count: number): number {
  const sums = [1, ...new Array<number>(count).fill(0)];
  for (const many of values) for (let k = count; k > 0; k--) sums[k]! += sums[k - 1]! * many;
  return sums[count]!;
}

/** Which rows to ask, by number: the legal ones, the cheapest first, at most so many. */
function cheapestLegal(changes: Changes | null, { space, legal }: RowLimits, clean: Levels, most: number): Int32Array {
  if (changes === null) return new Int32Array(0);
  const { count, fields, levels } = changes;
  const costs = new Float64Array(fields.length / count);
  for (let i = 0; i < fields.length; i++) {
    const field = fields[i]!;
    costs[Math.floor(i / count)]! += space.fields[field]!.cost * space.shift(field, clean[field]!, levels[i]!);
  }
  const order = Int32Array.from(costs.keys()).sort((a, b) => costs[a]! - costs[b]! || a - b);
  const row = Int32Array.from(clean);
  let kept = 0;
  for (const number of order) {
    if (kept === most) break;
    for (let i = number * count; i < (number + 1) * count; i++) row[fields[i]!] = levels[i]!;
    if (legal(row, clean)) order[kept++] = number;
    for (let i = number * count; i < (number + 1) * count; i++) row[fields[i]!] = clean[fields[i]!]!;
  }
  return order.subarray(0, kept);
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
