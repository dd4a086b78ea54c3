import type { Problem } from "../base/errors.ts";

/** The box of one feature of a vector, in the units of the model's file. */
export interface FeatureBox {
  readonly low: number;
  readonly high: number;
  /** Legal values are so many even steps from low to high; the model receives them exactly. All boxes have steps, or none. */
  readonly steps?: number;
}

export interface PreprocessingOptions {
  /** The range of a user's data, which the model's file expects: [low, high]. Default [0, 1]; [0, 255] for a uint8 input. */
  readonly inputRange?: readonly [number, number];
  /** Subtracted after scaling to 0..1; one number, or one per channel (per feature of a vector), in the data's own channel order. */
  readonly mean?: number | readonly number[];
  /** Divides after the mean is subtracted. */
  readonly std?: number | readonly number[];
  /** Channel order of the model; data is RGB. Default "rgb". */
  readonly channels?: "rgb" | "bgr";
  /** Per-feature boxes of a vector; replaces `inputRange`. */
  readonly features?: readonly FeatureBox[];
}

/**
 * From attack space (0..1) to what the model's file takes. Either `scale`: v = low + (high - low) x, or `normalize`:
 * v = (x - mean) / std, or `grid`: v = low + round(steps x) (high - low) / steps. Arrays hold one number per channel of an image or per feature of a vector, or one for all.
 */
export type Units =
  | { readonly kind: "scale"; readonly low: readonly number[]; readonly high: readonly number[] }
  | { readonly kind: "normalize"; readonly mean: readonly number[]; readonly std: readonly number[] }
  | {
      readonly kind: "grid";
      readonly low: readonly number[];
      readonly high: readonly number[];
      readonly steps: readonly number[];
    };

export interface Preprocessing {
  readonly units: Units;
  readonly reverseChannels: boolean;
}

const list = (value: number | readonly number[]): readonly number[] => (typeof value === "number" ? [value] : value);

/** Checks the options against the last dimension of a row (channels or features); problems are added, not thrown. */
export function resolvePreprocessing(
  options: PreprocessingOptions,
  dims: readonly number[],
  integerInput: boolean,
  problems: Problem[],
): Preprocessing {
  const last = dims.at(-1)!;
  const expect = (flag: string, values: readonly number[], valid: (value: number) => boolean, what: string) => {
    if (values.length !== 1 && values.length !== last)
      problems.push({
        code: "E_PREPROCESSING",
        subject: flag,
        expected: last === 1 ? "1 number" : `1 or ${last} numbers`,
        got: String(values.length),
      });
    const wrong = values.find((value) => !valid(value));
    if (wrong !== undefined)
      problems.push({ code: "E_PREPROCESSING", subject: flag, expected: what, got: String(wrong) });
  };
  const reverseChannels = options.channels === "bgr";
  if (reverseChannels && (dims.length !== 3 || last !== 3))
    problems.push({
      code: "E_PREPROCESSING",
      subject: "--channels bgr",
      expected: "images of 3 channels",
      got: `rows of ${dims.join("x")}`,
    });
  if (options.mean !== undefined || options.std !== undefined) {
    const units = { kind: "normalize", mean: list(options.mean ?? 0), std: list(options.std ?? 1) } as const;
    expect("--mean", units.mean, Number.isFinite, "finite numbers");
    expect("--std", units.std, (value) => Number.isFinite(value) && value !== 0, "finite numbers other than 0");
    return { units, reverseChannels };
  }
  const [low, high] = options.inputRange ?? (integerInput ? [0, 255] : [0, 1]);
  const boxes = options.features ?? [{ low, high }];
  const flag = options.features === undefined ? "--input-range" : "feature boxes";
  expect(
    flag,
    boxes.map((box) => box.low),
    Number.isFinite,
    "finite numbers",
  );
  // A box of no width is a feature that never changes: allowed.
  const reversed = boxes.find((box) => !(Number.isFinite(box.high) && box.high >= box.low));
  if (reversed !== undefined)
    problems.push({ code: "E_PREPROCESSING", subject: flag, expected: "low <= high", got: JSON.stringify(reversed) });
  const bounds = { low: boxes.map((box) => box.low), high: boxes.map((box) => box.high) };
  const steps = boxes.flatMap((box) => box.steps ?? []);
  return {
    units: steps.length === boxes.length ? { kind: "grid", ...bounds, steps } : { kind: "scale", ...bounds },
    reverseChannels,
  };
}

export function isIdentity(units: Units): boolean {
  return units.kind === "scale" && units.low.every((v) => v === 0) && units.high.every((v) => v === 1);
}

/** The value k/255 behind a float32 that an 8-bit file gave, so that 0..255 models receive exactly k; else the number itself. */
function exact(x: number): number {
  const level = Math.round(x * 255) / 255;
  return Math.fround(level) === x ? level : x;
}

/**
 * One row as a user's own pipeline would feed it: scaling in float64 rounded once to float32; mean and std in float32, as tensor
 * libraries do. Element order is not changed.
 */
export function toModelUnits(row: Float32Array, units: Units, last: number): Float32Array {
  const at = (values: readonly number[], i: number) => (values.length === 1 ? values[0]! : values[i % last]!);
  if (units.kind === "grid")
    return row.map((x, i) => {
      const [low, steps] = [at(units.low, i), at(units.steps, i)];
      return low + Math.floor(steps * x + 0.5) * ((at(units.high, i) - low) / steps);
    });
  if (units.kind === "scale")
    return row.map((x, i) => {
      const low = at(units.low, i);
      return low + (at(units.high, i) - low) * exact(x);
    });
  return row.map((x, i) => Math.fround(x - Math.fround(at(units.mean, i))) / Math.fround(at(units.std, i)));
}
