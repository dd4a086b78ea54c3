import type { FieldValue } from "../field.ts";
import { MOST_STEPS, type RowField } from "./schema.ts";

/** Bounds of one number that the model takes; its legal values are `steps` + 1 even ones, from low to high. */
export interface ColumnBox {
  readonly low: number;
  readonly high: number;
  readonly steps: number;
}

/**
 * The legal values of one field, numbered from 0 (`levels` of them), and what each is: to the user, to relations, and in attack space.
 * A number without a step has 2^24 + 1 of them: as many as float32 holds between 0 and 1, all exact.
 */
export interface FieldSpace {
  readonly name: string;
  readonly levels: number;
  /** Whether the levels have an order, so that some are nearer than others. */
  readonly ordered: boolean;
  readonly change: "any" | "none" | "increase" | "decrease";
  readonly cost: number;
  /** One for each number that the model takes of this field. */
  readonly boxes: readonly ColumnBox[];
  /** The value at a level, for the user. */
  value(level: number): FieldValue;
  /** The level of a value as data files write it; null if it is no legal one. */
  parse(text: string): number | null;
  /** What is legal, for messages. */
  readonly legal: string;
  /** Writes the level's numbers (0..1) from `at` on. */
  write(level: number, point: Float32Array, at: number): void;
  /** The nearest level of the numbers from `at` on; null where they are NaN. */
  read(point: Float32Array, at: number): number | null;
}

export function fieldSpace(field: RowField): FieldSpace {
  const common = { name: field.name, change: field.change ?? "any", cost: field.cost ?? 1 } as const;
  switch (field.type) {
    case "number":
      return { ...common, ...numberSpace(field.min, field.max, field.step) };
    case "integer":
      return { ...common, ...numberSpace(field.min, field.max, 1) };
    case "boolean":
      return { ...common, ...booleanSpace() };
    case "category":
      return { ...common, ...(field.encoding === "one-hot" ? oneHotSpace(field.values) : codeSpace(field)) };
  }
}

type Space = Omit<FieldSpace, "name" | "change" | "cost">;

const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/;
/** Decimal digits of a float64 that are no noise of adding steps. */
const DIGITS = 15;
/** How far from a legal value, in steps, data may lie and still be read as it. */
const OFF_GRID = 1e-6;

function numberSpace(min: number, max: number, step: number | undefined): Space {
  const steps = max === min ? 0 : step === undefined ? MOST_STEPS : Math.floor((max - min) / step + OFF_GRID);
  const width = steps === 0 ? 0 : step === undefined ? (max - min) / steps : step;
  const high = min + steps * width;
  const nearest = (value: number) => (steps === 0 ? 0 : Math.round((value - min) / width));
  return {
    levels: steps + 1,
    ordered: true,
    boxes: [{ low: min, high, steps: Math.max(1, steps) }],
    legal: `a number from ${min} to ${Number(high.toPrecision(DIGITS))}${step === undefined || step === 1 ? "" : ` in steps of ${step}`}${step === 1 ? " without fraction" : ""}`,
    value: (level) => Number((min + level * width).toPrecision(DIGITS)),
    parse(text) {
      if (!NUMBER.test(text)) return null;
      const value = Number(text);
      if (value < min - OFF_GRID * width || value > high + OFF_GRID * width) return null;
      const level = nearest(value);
      const off = steps === 0 ? Math.abs(value - min) : Math.abs((value - min) / width - level);
      return step === undefined || off <= OFF_GRID ? level : null;
    },
    write(level, point, at) {
      point[at] = steps === 0 ? 0 : level / steps;
    },
    read: (point, at) => levelIn(point[at]!, steps),
  };
}

function levelIn(x: number, steps: number): number | null {
  return Number.isNaN(x) ? null : Math.round(Math.min(1, Math.max(0, x)) * steps);
}

function booleanSpace(): Space {
  const levelOf = new Map([
    ["0", 0],
    ["false", 0],
    ["no", 0],
    ["1", 1],
    ["true", 1],
    ["yes", 1],
  ]);
  return {
    levels: 2,
    ordered: true,
    boxes: [{ low: 0, high: 1, steps: 1 }],
    legal: "0 or 1, false or true, no or yes",
    value: (level) => level === 1,
    parse: (text) => levelOf.get(text.toLowerCase()) ?? null,
    write(level, point, at) {
      point[at] = level;
    },
    read: (point, at) => levelIn(point[at]!, 1),
  };
}

function categories(
  values: readonly (string | number)[],
): Pick<Space, "levels" | "ordered" | "legal" | "value" | "parse"> {
  const shown = values.slice(0, 12).join(", ");
  return {
    levels: values.length,
    ordered: false,
    legal: `one of ${shown}${values.length > 12 ? `, and ${values.length - 12} more` : ""}`,
    value: (level) => values[level]!,
    parse(text) {
      const level = values.findIndex(
        (value) => String(value) === text || (typeof value === "number" && NUMBER.test(text) && Number(text) === value),
      );
      return level < 0 ? null : level;
    },
  };
}

function codeSpace({ values, codes }: Extract<RowField, { type: "category" }>): Space {
  const numbers = codes ?? values.map((value, i) => (typeof value === "number" ? value : i));
  const low = Math.min(...numbers);
  const steps = Math.max(...numbers) - low;
  return {
    ...categories(values),
    boxes: [{ low, high: low + steps, steps: Math.max(1, steps) }],
    write(level, point, at) {
      point[at] = steps === 0 ? 0 : (numbers[level]! - low) / steps;
    },
    read(point, at) {
      if (Number.isNaN(point[at])) return null;
      const distances = numbers.map((code) => Math.abs(low + point[at]! * steps - code));
      return distances.indexOf(Math.min(...distances));
    },
  };
}

/** The largest of its numbers is the one that is meant; the first wins a tie. */
function oneHotSpace(values: readonly (string | number)[]): Space {
  return {
    ...categories(values),
    boxes: values.map(() => ({ low: 0, high: 1, steps: 1 })),
    write(level, point, at) {
      point.fill(0, at, at + values.length);
      point[at + level] = 1;
    },
    read(point, at) {
      const own = point.subarray(at, at + values.length);
      return own.some(Number.isNaN) ? null : own.indexOf(Math.max(...own));
    },
  };
}
