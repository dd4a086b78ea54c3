import type { FieldSpace } from "../../inputs/row/field-space.ts";
import type { TreeEnsemble } from "../../models/classifier.ts";
import type { RowLimits, Threat } from "../../threats/threat.ts";
import { mended, type Part } from "./mended.ts";

/** A choice for each field: a cell of a coordinate between two cuts, or the level of a field of a row. */
export type State = Int32Array;

/** Positions along axes, both ends included: what of the space is still looked at. */
export interface Box {
  readonly low: Int32Array;
  readonly high: Int32Array;
}

/**
 * What an attacker of trees searches: around one clean point, everything that the threat allows at some size, cut up so finely that no tree tells the points
 * of one place apart. An axis is a number that the model takes; its positions are numbered from 0, in the order of its values.
 */
export interface SearchSpace {
  readonly clean: State;
  /** All that may be reached. */
  readonly box: Box;
  /** Fields that may change. */
  readonly free: readonly number[];
  /** Fields of a broken rule, those first that are as they were, and last what follows from the others; empty where the state may be submitted. */
  faults(state: State): readonly number[];
  /** The state of a box that is nearest to the clean one, and the size that nothing in the box is below; null where a box holds none. */
  nearest(box: Box): { readonly state: State; readonly size: number } | null;
  /** The axes of a field, and where it stands on them. */
  axes(field: number, choice: number): readonly { readonly axis: number; readonly position: number }[];
  /** How far a state is: in the threat's norm; of fields, how many and then (behind the point) what they cost. */
  size(state: State): number;
  /** Whether the threat allows changes of this size. */
  within(size: number): boolean;
  /** Changes this large or larger are not looked for: of a norm none, since a distance beyond the ball says something, too. */
  readonly limit: number;
  /** The box without positions at which nothing smaller than `size` lies. */
  smaller(box: Box, size: number): Box;
  /** Other choices for a field than the clean one, that trees tell apart. */
  options(field: number): Int32Array;
  /** The field's choice nearest to `choice` with which it alone is smaller than `size`. */
  toward(field: number, choice: number, size: number): number;
  /** What follows from a state is computed; the same state where nothing does. */
  mend(state: State): State;
  point(state: State): Float32Array;
  write(field: number, choice: number, point: Float32Array): void;
}

/** For each axis its cuts in ascending order. */
export function cutsOf({ trees }: TreeEnsemble, axes: number): Float32Array[] {
  const cuts = Array.from({ length: axes }, () => new Set<number>());
  for (const { feature, cut } of trees)
    for (let node = 0; node < feature.length; node++)
      if (feature[node]! >= 0 && cut[node]! > 0 && cut[node]! <= 1) cuts[feature[node]!]!.add(cut[node]!);
  return cuts.map((set) => Float32Array.from(set).sort());
}

/** How many values of an ascending array are at most x. */
function rank(values: Float32Array, x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle]! <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

const BITS = new Uint32Array(1);
const FLOAT = new Float32Array(BITS.buffer);

/** The float32 so many steps after x > 0 (before it, if negative). */
export function floatBeside(x: number, steps: number): number {
  FLOAT[0] = x;
  BITS[0] = Math.max(0, BITS[0]! + steps);
  return FLOAT[0]!;
}

/** First position of each axis that lies above a cut: `count` if none does. */
export type Place = (axis: number, cut: number) => number;

/** Coordinates in 0..1: positions are cells between cuts, and a cell's value is the one nearest to the clean point's. */
export function vectorSpace(threat: Threat, x0: Float32Array, cuts: readonly Float32Array[]): SearchSpace {
  const { mask, norm, effectiveEpsilon } = threat;
  const size = x0.length;
  const free = [...x0.keys()].filter((i) => mask?.[i] !== 0);
  const clean = Int32Array.from(x0, (value, i) => rank(cuts[i]!, value));
  const low = Int32Array.from(clean, (cell, i) => (mask?.[i] === 0 ? cell : 0));
  const high = Int32Array.from(clean, (cell, i) => (mask?.[i] === 0 ? cell : cuts[i]!.length));
  const valueAt = (axis: number, cell: number): number => {
    const own = cuts[axis]!;
    const home = clean[axis]!;
    if (cell === home) return x0[axis]!;
    return cell > home ? own[cell - 1]! : floatBeside(own[cell]!, -1);
  };
  const shift = (axis: number, cell: number): number => Math.abs(valueAt(axis, cell) - x0[axis]!);
  const add = SUMS[norm as keyof typeof SUMS];
  const sizeOf = (state: State): number => {
    const total = add.start();
    for (let i = 0; i < size; i++) if (state[i] !== clean[i]) add.put(total, shift(i, state[i]!));
    return add.result(total);
  };
  const home = (box: Box, i: number): number => Math.min(box.high[i]!, Math.max(box.low[i]!, clean[i]!));
  /** The outermost position from `from` toward the clean one whose shift is below `most`. */
  const inside = (axis: number, from: number, most: number): number => {
    let [near, far] = [clean[axis]!, from];
    if (shift(axis, far) < most) return far;
    while (Math.abs(far - near) > 1) {
      const middle = (near + far) >> 1;
      if (shift(axis, middle) < most) near = middle;
      else far = middle;
    }
    return near;
  };
  return {
    clean,
    box: { low, high },
    free,
    faults: () => [],
    nearest(box) {
      const state = Int32Array.from(clean, (_, i) => home(box, i));
      return { state, size: sizeOf(state) };
    },
    axes: (field, choice) => [{ axis: field, position: choice }],
    size: sizeOf,
    limit: Number.POSITIVE_INFINITY,
    within: (length) => length <= effectiveEpsilon * (1 + 1e-5) + (norm === "l0" ? 1 : 1e-6),
    smaller(box, most) {
      const total = add.start();
      for (let i = 0; i < size; i++) if (home(box, i) !== clean[i]) add.put(total, shift(i, home(box, i)));
      const result = { low: Int32Array.from(box.low), high: Int32Array.from(box.high) };
      for (const i of free) {
        const own = home(box, i) === clean[i] ? null : shift(i, home(box, i));
        const room = add.room(total, own, most);
        // A coordinate that must move stays where it must be at least.
        if (result.low[i]! < clean[i]!) result.low[i] = Math.min(result.high[i]!, inside(i, result.low[i]!, room));
        if (result.high[i]! > clean[i]!) result.high[i] = Math.max(result.low[i]!, inside(i, result.high[i]!, room));
      }
      return result;
    },
    options: remembered((field) =>
      Int32Array.from({ length: cuts[field]!.length + 1 }, (_, cell) => cell).filter((cell) => cell !== clean[field]),
    ),
    toward: (field, choice, most) => inside(field, choice, most),
    mend: (state) => state,
    point: (state) => Float32Array.from(state, (cell, i) => valueAt(i, cell)),
    write(field, choice, point) {
      point[field] = valueAt(field, choice);
    },
  };
}

export const vectorPlace =
  (cuts: readonly Float32Array[]): Place =>
  (axis, cut) =>
    cut <= 0 ? 0 : cut > 1 ? cuts[axis]!.length + 1 : rank(cuts[axis]!, cut);

/** How shifts of coordinates make a size, and how much one of them may be for the whole to stay below a size. */
interface Sum {
  start(): { value: number; most: number };
  put(total: { value: number; most: number }, shift: number): void;
  result(total: { value: number; most: number }): number;
  /** `own`: what the coordinate adds already; null if nothing. */
  room(total: { value: number; most: number }, own: number | null, below: number): number;
}

const start = () => ({ value: 0, most: 0 });
const SUMS: Readonly<Record<"linf" | "l2" | "l0", Sum>> = {
  linf: {
    start,
    put(total, shift) {
      total.value = Math.max(total.value, shift);
    },
    result: ({ value }) => value,
    room: (_, __, below) => below,
  },
  l2: {
    start,
    put(total, shift) {
      total.value += shift * shift;
    },
    result: ({ value }) => Math.sqrt(value),
    room: ({ value }, own, below) => Math.sqrt(Math.max(0, below * below - (value - (own ?? 0) ** 2))),
  },
  // Whole numbers count coordinates; among as many, the smallest largest shift is the nearest.
  l0: {
    start,
    put(total, shift) {
      total.value++;
      total.most = Math.max(total.most, shift);
    },
    result: ({ value, most }) => value + most / 2,
    room: ({ value, most }, own, below) => {
      const left = below - (own === null ? value + 1 : value);
      return most / 2 < left ? 2 * left : 0;
    },
  },
};

/** Rows of a schema: positions are levels; of a category in codes, its codes in ascending order; of one-hot columns, 0 and 1. */
export function rowSpace(
  limits: RowLimits,
  epsilon: number,
  x0: Float32Array,
  cuts: readonly Float32Array[],
): SearchSpace {
  const { space } = limits;
  const clean = space.levels(x0);
  const low = new Int32Array(space.size);
  const high = new Int32Array(space.size);
  const ranks = space.fields.map(codeRanks);
  const isFree = new Set(limits.free);
  // Choices that trees can't tell apart may be told apart by rules.
  const ruled = new Set(space.schema.relations.flatMap(({ fields }) => fields));
  const most = space.fields.reduce((sum, { cost }) => sum + cost, 1);
  const sizeOf = (state: State): number => {
    let [count, cost] = [0, 0];
    for (let f = 0; f < state.length; f++)
      if (state[f] !== clean[f]) {
        count++;
        cost += space.fields[f]!.cost * space.shift(f, clean[f]!, state[f]!);
      }
    return count + cost / most;
  };
  const axes = (f: number, level: number): { axis: number; position: number }[] => {
    const at = space.starts[f]!;
    const { boxes } = space.fields[f]!;
    if (boxes.length > 1) return boxes.map((_, i) => ({ axis: at + i, position: Number(i === level) }));
    return [{ axis: at, position: ranks[f]?.rankOf[level] ?? level }];
  };
  for (const [f, field] of space.fields.entries()) {
    if (isFree.has(f) && ranks[f] === null && field.boxes.length === 1) {
      const [first, last] = limits.reach(f, clean[f]!);
      low[space.starts[f]!] = first;
      high[space.starts[f]!] = last;
    } else if (isFree.has(f))
      field.boxes.forEach((_, i) => {
        high[space.starts[f]! + i] = ranks[f] === null ? 1 : field.levels - 1;
      });
    else
      for (const { axis, position } of axes(f, clean[f]!)) {
        low[axis] = position;
        high[axis] = position;
      }
  }

  const has = (box: Box, f: number, level: number): boolean =>
    axes(f, level).every(({ axis, position }) => position >= box.low[axis]! && position <= box.high[axis]!);

  function* levelsIn(box: Box, f: number): Generator<number> {
    const at = space.starts[f]!;
    const { boxes, levels } = space.fields[f]!;
    if (boxes.length > 1) {
      for (let level = 0; level < levels; level++) if (has(box, f, level)) yield level;
    } else for (let place = box.low[at]!; place <= box.high[at]!; place++) yield ranks[f]?.levels[place] ?? place;
  }

  /** The level of a field in a box that is nearest to the clean one; undefined if there is none. */
  function nearestLevel(f: number, box: Box): number | undefined {
    const at = space.starts[f]!;
    const own = clean[f]!;
    if (has(box, f, own)) return own;
    const [first, last] = [box.low[at]!, box.high[at]!];
    if (space.fields[f]!.ordered && space.fields[f]!.boxes.length === 1)
      return first > last ? undefined : Math.min(last, Math.max(first, own));
    return levelsIn(box, f).next().value;
  }

  /** Whether it keeps the relations or not. */
  function nearestOf(box: Box): State | null {
    const levels = Array.from(clean, (_, f) => nearestLevel(f, box));
    return levels.includes(undefined) ? null : Int32Array.from(levels as number[]);
  }

  const partOf = (box: Box): Part => ({
    count: (f) =>
      space.fields[f]!.boxes.length > 1
        ? [...levelsIn(box, f)].length
        : box.high[space.starts[f]!]! - box.low[space.starts[f]!]! + 1,
    levels: (f) => levelsIn(box, f),
    has: (f, level) => has(box, f, level),
  });

  return {
    clean,
    box: { low, high },
    free: limits.free,
    faults(state) {
      const broken = space.brokenRelation(state);
      if (broken === null) return [];
      const rank = (f: number) => 2 * Number(state[f] !== clean[f]) + Number(f === broken.derived?.field);
      return [...broken.fields].sort((a, b) => rank(a) - rank(b));
    },
    nearest(box) {
      const state = nearestOf(box);
      return state === null ? null : mended(space, clean, state, partOf(box), sizeOf);
    },
    axes,
    size: sizeOf,
    limit: epsilon + 1,
    within: (size) => Math.floor(size) <= epsilon,
    smaller(box, size) {
      const state = nearestOf(box);
      if (state === null) return box;
      const spare = sizeOf(state) + 1 < size;
      if (spare) return box;
      const result = { low: Int32Array.from(box.low), high: Int32Array.from(box.high) };
      for (const f of limits.free)
        if (state[f] === clean[f])
          for (const { axis, position } of axes(f, clean[f]!)) {
            result.low[axis] = position;
            result.high[axis] = position;
          }
      return result;
    },
    options: remembered((f) => {
      if (ruled.has(f) || space.fields[f]!.boxes.length > 1) return limits.options(f, clean[f]!, MOST_RULED);
      return firstOfEach(limits.options(f, clean[f]!, MOST_OPTIONS), space.fields[f]!, cuts[space.starts[f]!]!);
    }),
    toward: (f, choice, size) =>
      1 + (space.fields[f]!.cost * space.shift(f, clean[f]!, choice)) / most < size ? choice : clean[f]!,
    mend: (state) => (space.broken(state) === null ? state : space.derive(Int32Array.from(state), clean)),
    point: (state) => space.point(state),
    write: (f, choice, point) => space.fields[f]!.write(choice, point, space.starts[f]!),
  };
}

/** Options are asked for at every step. */
function remembered(options: (field: number) => Int32Array): (field: number) => Int32Array {
  const known: (Int32Array | undefined)[] = [];
  return (field) => {
    known[field] ??= options(field);
    return known[field];
  };
}

/** Levels of one field that a greedy search tries at most; spread over its range where there are more. */
const MOST_OPTIONS = 4096;
/** The same of a field that a rule speaks of: each of its levels stands alone. */
const MOST_RULED = 48;

/** Of levels nearest first, those that stand alone between two cuts, or are the first there. */
function firstOfEach(levels: Int32Array, field: FieldSpace, cuts: Float32Array): Int32Array {
  const seen = new Set<number>();
  const trial = new Float32Array(1);
  return levels.filter((level) => {
    field.write(level, trial, 0);
    const cell = rank(cuts, trial[0]!);
    return !seen.has(cell) && seen.add(cell);
  });
}

/** Of a category in codes: its levels by ascending code, and the place of each; null for other fields. */
function codeRanks(field: FieldSpace): { levels: Int32Array; rankOf: Int32Array } | null {
  if (field.ordered || field.boxes.length > 1) return null;
  const trial = new Float32Array(1);
  const codes = Array.from({ length: field.levels }, (_, level) => {
    field.write(level, trial, 0);
    return trial[0]!;
  });
  const levels = Int32Array.from(codes.keys()).sort((a, b) => codes[a]! - codes[b]!);
  const rankOf = new Int32Array(field.levels);
  for (const [place, level] of levels.entries()) rankOf[level] = place;
  return { levels, rankOf };
}

export function rowPlace({ space }: RowLimits): Place {
  const trial = new Float32Array(Math.max(...space.fields.map(({ boxes }) => boxes.length)));
  const ranks = space.fields.map(codeRanks);
  return (axis, cut) => {
    const f = space.starts.findLastIndex((first) => first <= axis);
    const field = space.fields[f]!;
    if (field.boxes.length > 1) return cut <= 0 ? 0 : cut <= 1 ? 1 : 2;
    let [low, high] = [0, field.levels];
    while (low < high) {
      const middle = (low + high) >> 1;
      field.write(ranks[f]?.levels[middle] ?? middle, trial, 0);
      if (trial[0]! >= cut) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
