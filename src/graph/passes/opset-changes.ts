import { float32, int64Vector } from "../../tensor/tensor.ts";
import { constantOf } from "../constant-node.ts";
import type { Attribute, Value } from "../ir.ts";
import { intAttribute } from "../ir.ts";
import type { NodeUpgrade } from "./node-upgrade.ts";

type Change = (upgrade: NodeUpgrade) => void;

/** `axes: [1]` of an attribute becomes input `at`; absent stays absent. */
function attributeToInput(name: string, at: number): Change {
  return (upgrade) => {
    const numbers = intsOf(upgrade.take(name));
    if (numbers !== undefined) setInput(upgrade, at, upgrade.constant(name, int64Vector(numbers)));
  };
}

function intsOf(attribute: Attribute | undefined): readonly number[] | undefined {
  if (attribute?.type === "int") return [attribute.value];
  return attribute?.type === "ints" ? attribute.value : undefined;
}

function setInput({ node }: NodeUpgrade, at: number, value: Value): void {
  while (node.inputs.length < at) node.inputs.push(null);
  node.inputs[at] = value;
}

/** A float that became an input of the same type as the data. */
function scalarOf(upgrade: NodeUpgrade, name: string, value: number): Value {
  const scalar = upgrade.constant(name, float32([], [value]));
  const data = upgrade.input(0);
  return data.dtype === "float32" ? scalar : upgrade.prepend("CastLike", [scalar, data]);
}

function floatToInput(name: string, at: number): Change {
  return (upgrade) => {
    const attribute = upgrade.take(name);
    if (attribute?.type === "float") setInput(upgrade, at, scalarOf(upgrade, name, attribute.value));
  };
}

/** An empty list of axes meant all of them, as none does. */
const reduceAxesToInput: Change = (upgrade) => {
  if (upgrade.node.ints("axes")?.length === 0) upgrade.take("axes");
  attributeToInput("axes", 1)(upgrade);
};

/**
 * Before opset 13 the input was seen as a matrix, all axes from `axis` (default 1) on being one; now `axis` is the only one, -1 by default.
 * The two agree where `axis` is the last.
 */
const coercedToMatrix: Change = (upgrade) => {
  const { node } = upgrade;
  const axis = node.int("axis", 1);
  const x = upgrade.input(0);
  const rank = x.rank ?? node.outputs[0]?.rank ?? null;
  node.attributes.set("axis", intAttribute(-1));
  if (axis === -1 || (rank !== null && axis === rank - 1)) return;
  const shape = upgrade.prepend("Shape", [x]);
  node.inputs[0] = upgrade.prepend("Flatten", [x], { axis: intAttribute(axis) });
  upgrade.append("Reshape", (made) => [made, shape]);
};

const batchNormalization9: Change = (upgrade) => {
  const spatial = upgrade.take("spatial");
  if (spatial?.type === "int" && spatial.value === 0)
    upgrade.refuse("statistics per activation (spatial=0)", "statistics per channel");
};

/** Five outputs meant training mode; whoever reads the batch statistics gets others from version 14 on. */
const batchNormalization14: Change = (upgrade) => {
  upgrade.keepFirstOutput("training outputs of an old version", "the inference form, with one output");
};

/** The mask was of the data's type and became boolean. */
const dropout10: Change = (upgrade) => {
  upgrade.keepFirstOutput("a mask of numbers", "a boolean mask, or none");
};

/** The ratio matters in training only, but keeps its place; training is off unless its input says otherwise. */
const dropout12: Change = (upgrade) => {
  const attribute = upgrade.take("ratio");
  if (attribute?.type === "float") setInput(upgrade, 1, upgrade.constant("ratio", float32([], [attribute.value])));
};

const pad11: Change = (upgrade) => {
  attributeToInput("pads", 1)(upgrade);
  floatToInput("value", 2)(upgrade);
};

const clip11: Change = (upgrade) => {
  floatToInput("min", 1)(upgrade);
  floatToInput("max", 2)(upgrade);
};

const slice10: Change = (upgrade) => {
  attributeToInput("starts", 1)(upgrade);
  attributeToInput("ends", 2)(upgrade);
  attributeToInput("axes", 3)(upgrade);
};

const upsample9: Change = (upgrade) => {
  const scales = upgrade.take("scales");
  if (scales?.type === "floats")
    setInput(upgrade, 1, upgrade.constant("scales", float32([scales.value.length], scales.value)));
};

/** Upsample only ever grows, so that the pixel below is the nearest. */
const upsample11: Change = (upgrade) => {
  upgrade.node.op = "Resize";
  asymmetricResize(upgrade, "floor");
};

/** Version 10 had no choice of coordinates: output index over scale. */
function asymmetricResize(upgrade: NodeUpgrade, nearest: "floor" | "ceil"): void {
  const { node } = upgrade;
  node.inputs = [upgrade.input(0), null, upgrade.input(1)];
  node.attributes.set("coordinate_transformation_mode", { type: "string", value: "asymmetric" });
  node.attributes.set("nearest_mode", { type: "string", value: nearest });
}

function elementsOf({ constant, producer }: Value): ArrayLike<number> | undefined {
  const tensor = constant ?? (producer?.op === "Constant" ? constantOf(producer) : undefined);
  return tensor?.data as ArrayLike<number> | undefined;
}

/** Of fractions in between, the nearest was the one below when growing and the one above when shrinking (as in the node tests of ONNX 1.5). */
const resize11: Change = (upgrade) => {
  const factors = elementsOf(upgrade.input(1));
  const shrinks = Array.from(factors ?? []).some((factor) => factor < 1);
  const grows = Array.from(factors ?? []).some((factor) => factor > 1);
  if (upgrade.node.string("mode", "nearest") === "nearest" && (factors === undefined || (shrinks && grows)))
    upgrade.refuse("Resize of opset 10 with computed or mixed scales", "constant scales that all grow or all shrink");
  asymmetricResize(upgrade, shrinks ? "ceil" : "floor");
};

const split18: Change = ({ node }) => {
  if ((node.inputs[1] ?? null) === null) node.attributes.set("num_outputs", intAttribute(node.outputs.length));
};

const REDUCTIONS = "L1 L2 LogSum LogSumExp Max Mean Min Prod SumSquare".split(" ").map((kind) => `Reduce${kind}`);

/**
 * What has to be done to a node when its operator changed, by operator and opset (ONNX's changelog of operators, 8 to 18). Changes that
 * aren't here only widen element types, allow negative axes, or add attributes and inputs whose default is the old behavior.
 */
export const OPSET_CHANGES: Readonly<Record<string, Readonly<Record<number, Change>>>> = {
  BatchNormalization: { 9: batchNormalization9, 14: batchNormalization14 },
  Clip: { 11: clip11 },
  Dropout: { 10: dropout10, 12: dropout12 },
  Hardmax: { 13: coercedToMatrix },
  LogSoftmax: { 13: coercedToMatrix },
  Softmax: { 13: coercedToMatrix },
  Pad: { 11: pad11 },
  ReduceSum: { 13: reduceAxesToInput },
  ...Object.fromEntries(REDUCTIONS.map((op) => [op, { 18: reduceAxesToInput }])),
  Resize: { 11: resize11 },
  RoiAlign: {
    16: ({ node }) =>
      node.attributes.set("coordinate_transformation_mode", { type: "string", value: "output_half_pixel" }),
  },
  Scan: { 9: (upgrade) => upgrade.refuse("Scan of opset 8, with a batch axis", "Scan of opset 9 or above") },
  Scatter: {
    11: ({ node }) => {
      node.op = "ScatterElements";
    },
  },
  Slice: { 10: slice10 },
  Split: { 13: attributeToInput("split", 1), 18: split18 },
  Squeeze: { 13: attributeToInput("axes", 1) },
  TopK: { 10: attributeToInput("k", 1) },
  Unsqueeze: { 13: attributeToInput("axes", 1) },
  // Deprecated in 10 in favor of Resize, whose rounding only 11 defines.
  Upsample: { 9: upsample9, 11: upsample11 },
};
