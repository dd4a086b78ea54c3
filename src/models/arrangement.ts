import { BlindspotError, type Problem } from "../base/errors.ts";
import { sizeOf } from "../tensor/tensor.ts";

export type Layout = "nchw" | "nhwc";

/** How the elements of a row of attack space lie in the model's input. */
export interface Arrangement {
  /** One row of data: [height, width, channels] or [features]. */
  readonly dims: readonly number[];
  /** The model's input without its batch axis. */
  readonly shape: readonly number[];
  /** False for a model that takes one sample and no batch axis at all. */
  readonly hasBatch: boolean;
  /** The batch size that the file declares; null where it is free. */
  readonly batch: number | null;
  /** "hwc": as in the row. "chw": channels first. */
  readonly order: "hwc" | "chw";
  /** Said to the user where rows don't simply fit. */
  readonly note: string | null;
}

export interface ArrangementOptions {
  /** Dims of the data's rows, where data is there. */
  readonly dims?: readonly number[];
  readonly layout?: Layout | "auto";
  /** The model's whole input shape, for files that leave sizes open: `--shape input=1,3,224,224`. */
  readonly shape?: readonly number[];
}

const CHANNELS = new Set([1, 3, 4]);
const same = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((dim, i) => dim === b[i]);
const channelsFirst = ([h, w, c]: readonly number[]) => [c!, h!, w!];

function problem(input: string, facts: Omit<Problem, "code" | "subject">): BlindspotError {
  return new BlindspotError({ code: "E_INPUT_SHAPE", subject: `model input '${input}'`, ...facts });
}

const text = (dims: readonly (number | string)[]) => `[${dims.map((dim) => (dim === "" ? "?" : dim)).join(",")}]`;

/** Sizes that the file leaves open, filled from `--shape`, or from the dims of the data where only one filling is possible. */
function fillSizes(
  input: string,
  declared: readonly (number | string)[],
  options: ArrangementOptions,
): readonly (number | string)[] {
  const given = options.shape;
  if (given !== undefined) {
    const fits =
      given.length === declared.length && declared.every((dim, i) => typeof dim === "string" || dim === given[i]);
    if (!fits) throw problem(input, { expected: text(declared), got: `--shape ${given.join(",")}` });
    return declared.map((dim, i) => (i > 0 && typeof dim === "string" ? given[i]! : dim));
  }
  const open = declared.slice(1).some((dim) => typeof dim === "string");
  if (!open) return declared;
  const agrees = (candidate: readonly number[]) =>
    candidate.length === declared.length - 1 &&
    candidate.every((dim, i) => typeof declared[i + 1] === "string" || declared[i + 1] === dim);
  const dims = options.dims;
  const candidates =
    dims === undefined
      ? []
      : [
          ...(dims.length === 3 && options.layout !== "nhwc" ? [channelsFirst(dims)] : []),
          ...(options.layout === "nchw" ? [] : [dims]),
          [sizeOf(dims)],
        ].filter(agrees);
  const first = candidates[0];
  if (first === undefined || candidates.some((other) => !same(other, first)))
    throw problem(input, {
      got: `sizes that the file leaves open: ${text(declared)}`,
      hint: `Give them, batch first: --shape ${input}=1,3,224,224${first === undefined ? "" : " (or --layout nchw|nhwc)"}`,
    });
  return [declared[0]!, ...first];
}

/** What a row is where no data says so: an image if the shape says which axis holds the channels, a vector if it has one axis. */
function guessDims(input: string, shape: readonly number[], layout: ArrangementOptions["layout"]): readonly number[] {
  if (shape.filter((dim) => dim !== 1).length <= 1) return [sizeOf(shape)];
  if (shape.length === 2) return [...shape, 1];
  const [a, b, c] = shape as [number, number, number];
  if (shape.length === 3) {
    if (layout === "nchw" || (layout !== "nhwc" && CHANNELS.has(a) && !CHANNELS.has(c))) return [b, c, a];
    if (layout === "nhwc" || (CHANNELS.has(c) && !CHANNELS.has(a))) return [a, b, c];
  }
  throw problem(input, {
    got: `${text(shape)} per row, of which it is not clear which axis holds the channels`,
    hint: "Say so with --layout nchw or --layout nhwc.",
  });
}

function orderOf(
  input: string,
  shape: readonly number[],
  dims: readonly number[],
  layout: ArrangementOptions["layout"],
): Pick<Arrangement, "order" | "note"> {
  const adapted = `rows of ${dims.join("x")} are given to the model as ${text(shape)}`;
  if (dims.length === 3 && dims[2] !== 1) {
    const fits = { nchw: same(shape, channelsFirst(dims)), nhwc: same(shape, dims) };
    const chosen = layout === "nchw" || layout === "nhwc" ? layout : null;
    if (fits.nchw !== fits.nhwc) {
      const only = fits.nchw ? "nchw" : "nhwc";
      if (chosen !== null && chosen !== only)
        throw problem(input, { expected: text(shape), got: `rows of ${dims.join("x")} with --layout ${chosen}` });
      return { order: only === "nchw" ? "chw" : "hwc", note: null };
    }
    // Either shape alone would do (3x3x3), or neither does (flattened pixels): the order of the elements must be told.
    if (chosen === null)
      throw problem(input, {
        got: `${text(shape)} for rows of ${dims.join("x")}, whose order of elements is not clear`,
        hint: "Say so with --layout nchw (channels first) or --layout nhwc (channels last).",
      });
    return { order: chosen === "nchw" ? "chw" : "hwc", note: fits.nchw ? null : adapted };
  }
  // Vectors and gray images have one order only.
  const plain = same(shape, dims) || (dims.length === 3 && same(shape, channelsFirst(dims)));
  return { order: "hwc", note: plain ? null : adapted };
}

/**
 * Finds the arrangement, or says what to give. Only the same number of elements is accepted: nothing is resized or cropped.
 * Throws `E_INPUT_SHAPE`.
 */
export function arrange(
  input: string,
  declared: readonly (number | string)[],
  options: ArrangementOptions = {},
): Arrangement {
  if (declared.length === 0) throw problem(input, { expected: "a batch of rows", got: "a scalar" });
  const filled = fillSizes(input, declared, options);
  const size = options.dims === undefined ? null : sizeOf(options.dims);
  const whole = filled.every((dim) => typeof dim === "number") ? (filled as readonly number[]) : null;
  const rest = filled.slice(1) as readonly number[];
  const hasBatch =
    filled.length > 1 && !(whole !== null && whole[0] !== 1 && size === sizeOf(whole) && size !== sizeOf(rest));
  if (!hasBatch && whole === null) throw problem(input, { expected: "a batch of rows", got: text(declared) });
  const shape = hasBatch ? rest : whole!;
  const dims = options.dims ?? guessDims(input, shape, options.layout);
  if (sizeOf(dims) !== sizeOf(shape))
    throw problem(input, {
      expected: `${text(shape)} = ${sizeOf(shape)} elements per row`,
      got: `rows of ${dims.join("x")} = ${sizeOf(dims)} elements`,
      hint: "Resize the data to what the model takes.",
    });
  const first = filled[0]!;
  return {
    dims,
    shape,
    hasBatch,
    batch: !hasBatch ? 1 : typeof first === "number" ? first : null,
    ...orderOf(input, shape, dims, options.layout),
  };
}

/** The elements of one row in the order of the model's input. */
export function toModelOrder(row: Float32Array, arrangement: Arrangement, reverseChannels: boolean): Float32Array {
  const channels = arrangement.dims.at(-1)!;
  const planes = arrangement.order === "chw";
  if (!planes && !reverseChannels) return row;
  const pixels = row.length / channels;
  const result = new Float32Array(row.length);
  for (let pixel = 0; pixel < pixels; pixel++)
    for (let channel = 0; channel < channels; channel++) {
      const to = reverseChannels ? channels - 1 - channel : channel;
      result[planes ? to * pixels + pixel : pixel * channels + to] = row[pixel * channels + channel]!;
    }
  return result;
}
