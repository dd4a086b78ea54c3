import type { Model, Node, Value } from "../../graph/ir.ts";
import { codeFromDtype } from "../../onnx/index.ts";

/** What an ensemble compares with its thresholds, of the value that a feature of the model's input has. */
export type Scaled = (value: number, feature: number) => number;

const FLOATS = new Set([codeFromDtype("float32"), codeFromDtype("float64")]);
/** Longer chains are nothing that a pipeline of scaling makes. */
const LONGEST = 16;

/**
 * What stands between a model's input and its trees: scaling of each feature by itself, upwards, as pipelines of scikit-learn have it (`Scaler`; products, quotients, sums and
 * differences with constants; `Clip`), in float32 like the runtime. Null where anything else does.
 */
export function scaledInput(model: Model, read: Value | null | undefined): Scaled | null {
  const steps: Scaled[] = [];
  let value = read ?? null;
  while (value !== null && value.producer !== null) {
    const step = stepOf(value.producer);
    if (step === null || steps.length === LONGEST) return null;
    steps.unshift(step.step);
    value = step.from;
  }
  if (value === null || value.name !== model.graph.inputs[0]?.name) return null;
  return (given, feature) => steps.reduce((current, step) => step(current, feature), given);
}

function stepOf(node: Node): { readonly from: Value; readonly step: Scaled } | null {
  const [first, second] = node.inputs;
  if (first == null) return null;
  if (node.domain === "" && (node.op === "Identity" || (node.op === "Cast" && FLOATS.has(node.int("to", 0)))))
    return { from: first, step: (value) => value };
  // Nothing before it makes NaN of a number.
  if (node.domain === "ai.onnx.ml" && node.op === "Imputer" && Number.isNaN(node.float("replaced_value_float", 0)))
    return { from: first, step: (value) => value };
  if (node.domain === "ai.onnx.ml" && node.op === "Scaler") {
    const [offset, scale] = [numbersOf(node, "offset"), numbersOf(node, "scale")];
    if (!isUpwards(scale)) return null;
    return { from: first, step: (value, f) => Math.fround(Math.fround(value - at(offset, f)) * at(scale, f)) };
  }
  if (node.domain === "" && node.op === "Clip") return clipped(node, first);
  const [test, , kept] = node.inputs;
  if (node.domain === "" && node.op === "Where" && test?.producer?.op === "IsNaN" && test.producer.inputs[0] === kept)
    return { from: kept!, step: (value) => value };
  const constant = second?.constant ?? first.constant;
  const from = second?.constant == null ? second : first;
  if (node.domain !== "" || constant == null || from == null) return null;
  const numbers = Array.from(constant.data as ArrayLike<number | bigint>, Number);
  const isLast = constant.data.length === 1 || constant.data.length === constant.dims.at(-1);
  return isLast ? arithmetic(node.op, from, numbers, from === first) : null;
}

function arithmetic(op: string, from: Value, numbers: readonly number[], isFirst: boolean) {
  const steps: Readonly<Record<string, (value: number, other: number) => number>> = {
    Add: (value, other) => value + other,
    Sub: (value, other) => value - other,
    Mul: (value, other) => value * other,
    Div: (value, other) => value / other,
  };
  const step = steps[op];
  const turns = op === "Mul" || op === "Div";
  const isSided = op === "Sub" || op === "Div";
  if (step === undefined || (turns && !isUpwards(numbers)) || (isSided && !isFirst)) return null;
  return { from, step: (value: number, f: number) => Math.fround(step(value, at(numbers, f))) };
}

function clipped({ inputs, attributes }: Node, from: Value): ReturnType<typeof stepOf> {
  // Before opset 11 the ends are attributes: pipelines that old scale nothing with it.
  const ends = [inputs[1], inputs[2]].map((end) => (end == null ? null : (end.constant?.data ?? [])));
  if (attributes.size > 0 || ends.some((end) => end !== null && end.length !== 1)) return null;
  const [low = Number.NEGATIVE_INFINITY, high = Number.POSITIVE_INFINITY] = ends.map((end) =>
    end === null ? undefined : Number(end[0]),
  );
  return { from, step: (value) => Math.min(Math.max(value, low), high) };
}

function isUpwards(scale: readonly number[]): boolean {
  return scale.length > 0 && scale.every((one) => one > 0 && Number.isFinite(one));
}

function at(values: readonly number[], feature: number): number {
  return values.length === 1 ? values[0]! : (values[feature] ?? Number.NaN);
}

function numbersOf({ attributes }: Node, name: string): readonly number[] {
  const given = attributes.get(name);
  return given?.type === "floats" || given?.type === "ints" ? given.value : [];
}
