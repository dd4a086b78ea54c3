import { opBuilder } from "../graph/builder.ts";
import { cloneModel, replaceUses, writeModel } from "../graph/index.ts";
import { type Model, Value } from "../graph/ir.ts";
import { codeFromDtype } from "../onnx/index.ts";
import type { OpTable } from "../ops/define.ts";
import type { Session } from "../runtime/runtime.ts";
import { arrayType, type DType, type NumericDType, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { type Arrangement, toModelOrder } from "./arrangement.ts";
import { type Preprocessing, toModelUnits } from "./preprocessing.ts";
import { decodeRow, type ScoreHead } from "./score-head.ts";

/**
 * Float16 tensors can't enter or leave ONNX Runtime on Node 24: a model that takes or gives them gets a Cast at its edges; nothing inside is
 * changed. Null where the file can run as it is.
 */
export function castFloat16Edges(source: Model, table: OpTable): Uint8Array | null {
  const edges = [...source.graph.inputs, ...source.graph.outputs];
  if (edges.every((value) => value.dtype !== "float16")) return null;
  const model = cloneModel(source);
  const { graph } = model;
  const op = opBuilder(graph, table);
  const casts = graph.nodes.length;
  graph.inputs = graph.inputs.map((input) => {
    if (input.dtype !== "float16") return input;
    const outer = new Value(op.freshName(input.name), { dtype: "float32", shape: input.shape });
    replaceUses(graph, new Map([[input, op.Cast(outer, { to: codeFromDtype("float16") })]]));
    return outer;
  });
  graph.nodes.unshift(...graph.nodes.splice(casts));
  graph.outputs = graph.outputs.map((output) => {
    if (output.dtype !== "float16") return output;
    const name = output.name;
    output.name = op.freshName(name);
    const outer = op.Cast(output, { to: codeFromDtype("float32") });
    outer.name = name;
    return outer;
  });
  return writeModel(model);
}

/** Numbers as an array of the model's element type: integers rounded, and clipped where a byte holds them, as image files do. */
function toElements(values: Float32Array, dtype: DType): Tensor["data"] {
  if (dtype === "float32") return values;
  if (dtype === "float64") return Float64Array.from(values);
  if (dtype === "uint8") return Uint8Array.from(Uint8ClampedArray.from(values));
  if (dtype === "int64") return BigInt64Array.from(Array.from(values, (value) => BigInt(Math.round(value))));
  const array = arrayType(dtype as NumericDType) as Int32ArrayConstructor;
  return array.from(values, Math.round);
}

/** The original model, fed one row at a time, the way a user's own program would. */
export class DeployedModel {
  readonly session: Session;
  private readonly arrangement: Arrangement;
  private readonly preprocessing: Preprocessing;
  private readonly dtype: DType;

  constructor(session: Session, arrangement: Arrangement, preprocessing: Preprocessing) {
    this.session = session;
    this.arrangement = arrangement;
    this.preprocessing = preprocessing;
    this.dtype = session.inputs[0]!.dtype;
  }

  /** Rows that one pass holds: more than one only where the file fixes its batch at more. The row then fills all places. */
  get rows(): number {
    return this.arrangement.batch ?? 1;
  }

  /** All outputs (or those named) of one pass for one row of attack space. */
  run(row: Float32Array, outputs?: readonly string[]): Promise<Record<string, Tensor>> {
    const { dims, shape, hasBatch } = this.arrangement;
    const inUnits = toModelUnits(row, this.preprocessing.units, dims.at(-1)!);
    const ordered = toModelOrder(inUnits, this.arrangement, this.preprocessing.reverseChannels);
    const batch = new Float32Array(this.rows * sizeOf(shape));
    for (let i = 0; i < this.rows; i++) batch.set(ordered, i * ordered.length);
    const data = toElements(batch, this.dtype);
    const feed: Tensor = { dtype: this.dtype, dims: hasBatch ? [this.rows, ...shape] : shape, data };
    return this.session.run({ [this.session.inputs[0]!.name]: feed }, outputs);
  }

  /** Scores per class of one row: see `decodeRow`. */
  async scores(row: Float32Array, head: ScoreHead): Promise<Float32Array> {
    const output = (await this.run(row, [head.output]))[head.output]!;
    const perRow = output.data.length / this.rows;
    return decodeRow(head, Float32Array.from(output.data.slice(0, perRow) as ArrayLike<number | bigint>, Number));
  }

  close(): Promise<void> {
    return this.session.close();
  }
}
