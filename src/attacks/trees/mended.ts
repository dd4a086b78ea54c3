import type { FieldSpace } from "../../inputs/row/field-space.ts";
import type { Levels, RowSpace } from "../../inputs/row/row-space.ts";

/** Combinations of levels that are tried to keep one relation: beyond them nothing is known. */
const MOST_TRIED = 512;
/** Levels of one field that are equal, as far as relations compare, to what an equation says. */
const MOST_NEAR = 64;
/** Relative: how relations compare, and a little more. */
const TOLERANCE = 1.1e-6;

/** A row, and what all rows of the part that it stands for cost at least. */
export interface Mended {
  readonly state: Levels;
  readonly size: number;
}

/** The levels of a field in a part of the space. */
export interface Part {
  count(field: number): number;
  levels(field: number): Iterable<number>;
  has(field: number, level: number): boolean;
}

/**
 * Where the nearest row of a part breaks a relation: the cheapest row that keeps it and changes the same fields. Where there is none, whoever keeps it changes one field of
 * the relation more; where none of these may move, nobody does.
 * @param state the nearest row; fields in which it differs from `clean` must differ in this part
 * @param sizeOf one for each changed field, and a fraction by what they cost
 */
export function mended(
  space: RowSpace,
  clean: Levels,
  state: Levels,
  part: Part,
  sizeOf: (state: Levels) => number,
): Mended {
  const size = sizeOf(state);
  const relation = space.brokenRelation(state);
  if (relation === null) return { state, size };
  const moved = relation.fields.filter((f) => state[f] !== clean[f]);
  // What an equation says of a field need not be tried.
  const equation = relation.derived;
  const follows = equation !== null && moved.includes(equation.field) && isNumber(space.fields[equation.field]!);
  const tried = follows ? moved.filter((f) => f !== equation.field) : moved;
  if (tried.reduce((product, f) => product * part.count(f), 1) > MOST_TRIED) return { state, size };
  const row = Int32Array.from(state);
  const values = space.relationValues(state);
  const put = (field: number, level: number): void => {
    const value = space.fields[field]!.value(level);
    row[field] = level;
    values[field] = typeof value === "boolean" ? Number(value) : value;
  };
  let best = null as Mended | null;
  let unknown = false;
  const judge = (): void => {
    const own = sizeOf(row);
    if (own < (best?.size ?? Number.POSITIVE_INFINITY) && relation.holds(values))
      best = { state: Int32Array.from(row), size: own };
  };
  const visit = (i: number): void => {
    if (i < tried.length)
      for (const level of part.levels(tried[i]!)) {
        put(tried[i]!, level);
        visit(i + 1);
      }
    else if (follows) {
      const near = levelsNear(space.fields[equation.field]!, equation.value(values));
      unknown ||= near.length > MOST_NEAR;
      for (const level of near.slice(0, MOST_NEAR))
        if (part.has(equation.field, level)) {
          put(equation.field, level);
          judge();
        }
    } else judge();
  };
  visit(0);
  if (unknown) return { state, size };
  const mayMove = relation.fields.some((f) => state[f] === clean[f] && part.count(f) > 1);
  return best ?? { state, size: mayMove ? size + 1 : Number.POSITIVE_INFINITY };
}

function isNumber({ ordered, boxes }: FieldSpace): boolean {
  return ordered && boxes.length === 1;
}

function levelsNear({ boxes, levels }: FieldSpace, value: number): number[] {
  const { low, high, steps } = boxes[0]!;
  if (Number.isNaN(value)) return [];
  const width = (high - low) / steps || 1;
  const reach = TOLERANCE * Math.max(1, Math.abs(value));
  const first = Math.max(0, Math.floor((value - reach - low) / width));
  const last = Math.min(levels - 1, Math.ceil((value + reach - low) / width));
  return Array.from({ length: Math.max(0, Math.min(last - first, MOST_NEAR) + 1) }, (_, i) => first + i);
}
