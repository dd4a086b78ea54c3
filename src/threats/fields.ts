import { BlindspotError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import type { Rng } from "../base/rng.ts";
import type { Levels, RowSpace } from "../inputs/row/row-space.ts";
import { faultOf, type ThreatOptions, threatId } from "./box.ts";
import type { Threat } from "./threat.ts";

/** Draws of a random row before one that breaks a relation is repaired instead. */
const DRAWS = 20;

/**
 * How far the changed fields may go together. Norms are of the numbers among them, each as a share of its range: a category has no distance, and is bounded
 * by its cost alone.
 */
export interface FieldsWithin {
  readonly linf?: number;
  readonly l2?: number;
  readonly l1?: number;
  /** As the schema counts it. */
  readonly cost?: number;
}

export interface FieldsOptions extends ThreatOptions {
  readonly within?: FieldsWithin;
}

/** Rounding of shares of a range. */
const TOLERANCE = 1e-9;

/**
 * At most `count` fields of a row differ from the clean one: to legal values, in the direction in which each may change, and so that every
 * relation holds. A field that follows from others (`total == sum(a, b)`) counts as any other.
 */
export function fields(count: number, rows: RowSpace, options: FieldsOptions = {}): Threat {
  const { goal = { kind: "untargeted" }, mask = null, within = {} } = options;
  if (!Number.isInteger(count) || count < 0)
    throw new BlindspotError({
      code: "E_THREAT_EPSILON",
      subject: "fields",
      expected: "a whole number of fields, 0 or more",
      got: String(count),
    });
  const free = freeFields(rows, mask);
  const isFree = new Set(free);
  const { linf = Number.POSITIVE_INFINITY } = within;
  const measured = [within.l1, within.l2, within.cost].some((bound) => bound !== undefined);

  function reach(field: number, clean: number): readonly [number, number] {
    const [first, last] = rows.reach(field, clean);
    const { ordered, levels } = rows.fields[field]!;
    if (!ordered || linf >= 1) return [first, last];
    const steps = Math.floor(linf * (levels - 1) + TOLERANCE);
    return [Math.max(first, clean - steps), Math.min(last, clean + steps)];
  }

  function may(field: number, level: number, clean: number): boolean {
    if (level === clean) return true;
    if (!isFree.has(field) || !rows.mayBe(field, level, clean)) return false;
    const [first, last] = reach(field, clean);
    return level >= first && level <= last;
  }

  /** Whether the changes together keep the bounds on their sizes. */
  function isNear(levels: Levels, clean: Levels): boolean {
    let [l1, squares] = [0, 0];
    for (let f = 0; f < levels.length; f++)
      if (levels[f] !== clean[f] && rows.fields[f]!.ordered) {
        const shift = rows.shift(f, clean[f]!, levels[f]!);
        l1 += shift;
        squares += shift * shift;
      }
    const fits = (size: number, bound = Number.POSITIVE_INFINITY) => size <= bound + TOLERANCE;
    return (
      fits(l1, within.l1) &&
      fits(Math.sqrt(squares), within.l2) &&
      (within.cost === undefined || fits(rows.cost(levels, clean), within.cost))
    );
  }

  function settle(wanted: Levels, clean: Levels): Levels {
    const shift = (f: number) => rows.shift(f, clean[f]!, wanted[f]!);
    const order = rows.changed(wanted, clean).sort((a, b) => shift(b) - shift(a) || a - b);
    // Fewer and fewer of the wanted changes, the largest first, until what follows from them fits too. None of them always does.
    for (let kept = Math.min(count, order.length); kept > 0; kept--) {
      const levels = Int32Array.from(clean);
      for (const f of order.slice(0, kept)) levels[f] = wanted[f]!;
      if (legal(levels, clean)) return levels;
      rows.derive(levels, clean);
      if (legal(levels, clean)) return levels;
    }
    return Int32Array.from(clean);
  }

  function legal(levels: Levels, clean: Levels): boolean {
    let changed = 0;
    for (let f = 0; f < levels.length; f++)
      if (levels[f] !== clean[f] && (++changed > count || !may(f, levels[f]!, clean[f]!))) return false;
    return (!measured || isNear(levels, clean)) && rows.broken(levels) === null;
  }

  function project(x: Float32Array, x0: Float32Array): Float32Array {
    const clean = rows.levels(x0);
    const wanted = rows.levels(x, clean);
    for (const f of rows.changed(wanted, clean)) {
      const [first, last] = reach(f, clean[f]!);
      if (isFree.has(f) && rows.fields[f]!.ordered) wanted[f] = Math.min(last, Math.max(first, wanted[f]!));
      else if (!may(f, wanted[f]!, clean[f]!)) wanted[f] = clean[f]!;
    }
    x.set(rows.point(settle(wanted, clean)));
    return x;
  }

  /** So many fields at random, each at a random other value that it may take. */
  function scatter(x0: Float32Array, rng: Rng): Float32Array {
    const clean = rows.levels(x0);
    const movable = free.filter((f) => reach(f, clean[f]!)[0] < reach(f, clean[f]!)[1]);
    let levels = Int32Array.from(clean);
    for (let draw = 0; draw < DRAWS; draw++) {
      levels = Int32Array.from(clean);
      for (const f of rng.shuffle([...movable]).slice(0, count)) {
        const [first, last] = reach(f, clean[f]!);
        levels[f] = first + rng.integer(last - first + 1);
      }
      if (legal(rows.derive(levels, clean), clean)) return rows.point(levels);
    }
    return rows.point(settle(levels, clean));
  }

  /** To first order, what the best legal value of each field gains, and which level it is. */
  function bestMoves(
    x: Float32Array,
    gradient: Float32Array,
    clean: Levels,
  ): { field: number; level: number; gain: number }[] {
    return free.map((field) => {
      const options = rows.fields[field]!.ordered
        ? reach(field, clean[field]!)
        : rows.options(field, clean[field]!, Infinity);
      const at = rows.starts[field]!;
      const width = rows.fields[field]!.boxes.length;
      const trial = Float32Array.from(x);
      let best = { field, level: clean[field]!, gain: 0 };
      for (const level of options) {
        rows.fields[field]!.write(level, trial, at);
        let gain = 0;
        for (let i = at; i < at + width; i++) gain += finite(gradient[i]!) * (trial[i]! - x[i]!);
        if (gain > best.gain) best = { field, level, gain };
      }
      return best;
    });
  }

  const spelled = options.spelled ?? `${count}${spell(within)}`;
  return {
    id: `${threatId("fields", count, { ...options, spelled })};schema=${sha256(JSON.stringify(rows.schema.source)).slice(0, 8)}`,
    norm: "fields",
    epsilon: count,
    effectiveEpsilon: count,
    quantize: "none",
    goal,
    mask,
    unit: 1,
    rows: {
      space: rows,
      free,
      legal,
      reach,
      options: (field, clean, most) => rows.options(field, clean, most, reach(field, clean)),
    },
    randomPoint: scatter,
    randomBoundaryPoint: scatter,
    /** The side of the box toward which the gradient points, in the one field that gains most. */
    steepest(gradient, out = new Float32Array(gradient.length)) {
      const gain = (f: number) => {
        const at = rows.starts[f]!;
        return gradient
          .subarray(at, at + rows.fields[f]!.boxes.length)
          .reduce((sum, g) => sum + Math.abs(finite(g)), 0);
      };
      const best = free.reduce((a, b) => (gain(b) > gain(a) ? b : a), free[0] ?? -1);
      const at = best < 0 ? 0 : rows.starts[best]!;
      const end = best < 0 ? 0 : at + rows.fields[best]!.boxes.length;
      for (let i = 0; i < out.length; i++) out[i] = i >= at && i < end ? Math.sign(finite(gradient[i]!)) : 0;
      return out;
    },
    /** `length` counts fields: those that gain most to first order take their best value. */
    ascend(x, gradient, length, x0, out = new Float32Array(x.length)) {
      const clean = rows.levels(x0);
      const levels = rows.levels(x, clean);
      const moves = bestMoves(x, gradient, clean).filter(({ gain }) => gain > 0);
      moves.sort((a, b) => b.gain - a.gain || a.field - b.field);
      for (const { field, level } of moves.slice(0, Math.floor(length))) levels[field] = level;
      out.set(rows.point(levels));
      return project(out, x0);
    },
    project,
    deployable: (x, x0) => rows.point(rows.levels(x, rows.levels(x0))),
    distance: (x, x0) => rows.changed(rows.levels(x), rows.levels(x0)).length,
    diameter: () => rows.fields.length,
    violation(x, x0) {
      const fault = faultOf(x, x0, { mask });
      if (fault !== null) return fault;
      const [levels, clean] = [rows.levels(x), rows.levels(x0)];
      const legalPoint = rows.point(levels);
      const changed = rows.changed(levels, clean);
      const forbidden = changed.find((f) => !may(f, levels[f]!, clean[f]!));
      const broken = rows.broken(levels);
      if (x.some((value, i) => value !== legalPoint[i])) return "holds a value that the schema does not allow";
      if (forbidden !== undefined) return `${rows.fields[forbidden]!.name} may not change so`;
      if (!isNear(levels, clean)) return "changes more than the threat allows";
      if (broken !== null) return `breaks ${broken}`;
      return changed.length <= count ? null : `changes ${changed.length} fields, allowed ${count}`;
    },
    withEpsilon(other) {
      const { spelled: _, ...rest } = options;
      return fields(Math.floor(other), rows, rest);
    },
  };
}

/** `?linf=0.1&cost=2`, as typed behind the number of fields. */
function spell(within: FieldsWithin): string {
  const parts = Object.entries(within).map(([key, value]) => `${key}=${value}`);
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}

/** Fields that may change at all, and of which the mask holds no number fast. */
function freeFields(rows: RowSpace, mask: Uint8Array | null): number[] {
  return [...rows.fields.keys()].filter((f) => {
    const { change, levels, boxes } = rows.fields[f]!;
    const at = rows.starts[f]!;
    return change !== "none" && levels > 1 && (mask === null || mask.subarray(at, at + boxes.length).every(Boolean));
  });
}
