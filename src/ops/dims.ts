import { BlindspotError } from "../base/errors.ts";
import type { Dim, Node, Shape, Value, ValueType } from "../graph/ir.ts";
import { isKnown } from "../graph/ir.ts";
import { toNumbers } from "../tensor/tensor.ts";
import type { Reference } from "./define.ts";

/** What inference knows of a value: shared by the families whose results depend on sizes, axes and pads. */

const UNKNOWN: ValueType = { dtype: null, shape: null };

/** The type of input i; unknown where it is absent. */
export function typeOfInput(node: Node, i: number): ValueType {
  return node.inputs[i] ?? UNKNOWN;
}

/** INT64_MAX stands for "to the end" in real files and has no exact double: sizes are far below either. */
const LARGEST = Number.MAX_SAFE_INTEGER;

function clampInteger(value: number): number {
  return Math.max(-LARGEST, Math.min(LARGEST, value));
}

/** Sizes, axes, pads or indices that are known before the model runs; null where they are not, undefined where the input is absent. */
export function knownInts(value: Value | null | undefined): number[] | null | undefined {
  if (value === null || value === undefined) return undefined;
  if (value.constant !== null) return toNumbers(value.constant).map(clampInteger);
  return isKnown(value.shapeValue) ? [...value.shapeValue] : null;
}

/** `knownInts` of an input that older opsets gave as an attribute. */
export function intsOf(node: Node, attribute: string, input: number): number[] | null | undefined {
  const given = node.ints(attribute);
  return given !== undefined ? given.map(clampInteger) : knownInts(node.inputs[input]);
}

/** The same at evaluation, where every input has a value. */
export function intsGiven(node: Node, attribute: string, input: Reference | null | undefined): number[] | undefined {
  const given = input ? Array.from(input.data) : node.ints(attribute);
  return given?.map(clampInteger);
}

/** The sizes that an int64 value holds, with names and gaps; null where not even their number is known. */
export function sizesHeld(value: Value | null | undefined): Shape | null {
  if (value === null || value === undefined) return null;
  if (value.constant !== null) return toNumbers(value.constant).map(clampInteger);
  if (value.shapeValue !== null) return value.shapeValue;
  const length = value.shape?.length === 1 ? value.shape[0] : null;
  return typeof length === "number" ? new Array<Dim>(length).fill(null) : null;
}

/** Records the sizes that a node's output holds, for the nodes that are inferred after it. */
export function holdSizes(node: Node, sizes: Shape | null, output = 0): void {
  const value = node.outputs[output];
  if (value !== undefined) value.shapeValue = sizes;
}

/** A product of dimensions as a number times names; null where a factor is unknown. */
interface DimProduct {
  readonly factor: number;
  readonly names: readonly string[];
}

function productOf(dims: Shape): DimProduct | null {
  if (dims.includes(null)) return null;
  const numbers = dims.filter((dim) => typeof dim === "number");
  return {
    factor: numbers.reduce((product, dim) => product * dim, 1),
    names: dims.filter((dim) => typeof dim === "string"),
  };
}

/** The product of dimensions, as a dimension: a number, a name alone, or null. */
export function multiplyDims(dims: Shape): Dim {
  return divideDims(dims, []);
}

/** product(dims) / product(by), as a dimension: names cancel. Null where the quotient is neither a number nor one name. */
export function divideDims(dims: Shape, by: Shape): Dim {
  const above = productOf(dims);
  const below = productOf(by);
  if (above === null || below === null) return null;
  const names = [...above.names];
  for (const name of below.names) {
    const at = names.indexOf(name);
    if (at < 0) return null;
    names.splice(at, 1);
  }
  if (below.factor === 0) return null;
  const factor = above.factor / below.factor;
  if (names.length === 0) return Number.isInteger(factor) ? factor : null;
  return names.length === 1 && factor === 1 ? names[0] : null;
}

export function addDims(dims: Shape): Dim {
  const names = dims.filter((dim) => dim !== 0);
  if (names.length === 1) return names[0];
  return names.every((dim) => typeof dim === "number") ? names.reduce((sum, dim) => sum + dim, 0) : null;
}

/** A contradiction between what a node asks for and what it is given. */
export function shapeError(node: Node, where: string | undefined, expected: string, got: string): BlindspotError {
  return new BlindspotError({
    code: "E_SHAPE_MISMATCH",
    subject: node.describe(),
    ...(where === undefined ? {} : { where }),
    expected,
    got,
  });
}

export function describeShape(shape: Shape | null): string {
  return shape === null ? "an unknown shape" : `[${shape.map((dim) => dim ?? "?").join(", ")}]`;
}

/** A gradient rule lacks a size of an input. */
export function unknownSize(node: Node, input: number, what: string): BlindspotError {
  return new BlindspotError({
    code: "E_SHAPE_UNKNOWN",
    subject: node.describe(),
    where: `input ${input}`,
    expected: `${what} to be known`,
    got: describeShape(node.inputs[input]?.shape ?? null),
    hint: "Fix it with --shape INPUT=1,3,224,224 (the name and sizes of the model's input)",
  });
}

/** A gradient rule needs an operand that is computed at run time (or isn't there). */
export function notConstant(node: Node, input: number, what: string): BlindspotError {
  return new BlindspotError({
    code: "E_OPERAND_NOT_CONSTANT",
    subject: node.describe(),
    where: `input ${input}`,
    expected: `constant ${what}`,
    got: "a value computed at run time",
    hint: "Fix all sizes of the model's inputs with --shape INPUT=1,3,224,224, so that it can be computed before the model runs",
  });
}

/** A rule doesn't cover this form of its operator. */
export function noGradient(node: Node, form: string): BlindspotError {
  return new BlindspotError({
    code: "E_OP_NO_GRADIENT",
    subject: node.describe(),
    got: form,
    hint: "Attack it with score attacks (--profile score)",
  });
}

/** The known sizes of an input's axes from `from` on, for a gradient rule; E_SHAPE_UNKNOWN where one is missing. */
export function requireSizes(node: Node, input: number, from: number, what: string): number[] {
  const sizes = node.inputs[input]?.shape?.slice(from) ?? null;
  if (!isKnown(sizes)) throw unknownSize(node, input, what);
  return [...sizes];
}

/** The rank of an input, for a gradient rule. */
export function requireRank(node: Node, input: number): number {
  return requireShape(node, input).length;
}

/** The shape of an input, of which at least the rank must be known for a gradient rule. */
export function requireShape(node: Node, input: number): Shape {
  const shape = node.inputs[input]?.shape ?? null;
  if (shape === null) throw unknownSize(node, input, "the number of dimensions");
  return shape;
}

/** Sizes behind batch and channels, if all are known. */
export function knownSpatial(shape: Shape | null): readonly number[] | null {
  const sizes = shape?.slice(2) ?? null;
  return isKnown(sizes) ? sizes : null;
}
