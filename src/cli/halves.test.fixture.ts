import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Rng } from "../base/rng.ts";
import { Graph, Model, type OpBuilder, opBuilder, type Value, writeModel } from "../graph/index.ts";
import { operators } from "../ops/index.ts";
import { writeNpz } from "../tensor/npz.ts";
import { float32, int64, type Tensor } from "../tensor/tensor.ts";

/** 1 on the left half of a 4x4 image, -1 on the right. */
const SIDE = Array.from({ length: 16 }, (_, i) => (i % 4 < 2 ? 1 : -1));

/** Which half of a 4x4 image is brighter; `change` gets the logits and the input, and returns what the model gives. */
export function halvesModel(
  change: (op: OpBuilder, logits: Value, x: Value) => Value = (_op, logits) => logits,
): Model {
  const graph = new Graph("halves");
  const op = opBuilder(graph, operators);
  const x = op.input("x", { dtype: "float32", shape: ["N", 1, 4, 4] });
  const weights = float32(
    [16, 2],
    SIDE.flatMap((value) => [value, -value]),
  );
  const logits = change(op, op.MatMul(op.Flatten(x), weights), x);
  logits.name = "logits";
  // Declared, as exporters do: an operator that we don't know leaves it open.
  logits.dtype = "float32";
  logits.shape = ["N", 2];
  op.output(logits);
  return new Model(graph, 17);
}

/** The same for vectors: each feature in a box of its own; one beyond the 16 changes nothing. */
export function vectorModel(boxes: readonly (readonly [number, number])[]): Model {
  const graph = new Graph("vectors");
  const op = opBuilder(graph, operators);
  const x = op.input("x", { dtype: "float32", shape: ["N", boxes.length] });
  const rows = boxes.map(([low, high], i) => (SIDE[i] ?? 0) / (high - low || 1));
  // The middle of a box counts as neither side.
  const middle = boxes.reduce((sum, [low, high], i) => sum + (rows[i]! * (low + high)) / 2, 0);
  const weights = float32(
    [boxes.length, 2],
    rows.flatMap((value) => [value, -value]),
  );
  op.output(op.Gemm(x, weights, float32([2], [-middle, middle])));
  return new Model(graph, 17);
}

export function halvesData(count = 60): { x: Tensor; y: Tensor } {
  const rng = Rng.of(1);
  const labels = Array.from({ length: count }, (_, i) => i % 2);
  const rows = labels.flatMap((label) =>
    SIDE.map((side) => 0.5 + (label === 0 ? 0.1 : -0.1) * side + 0.2 * (rng.uniform() - 0.5)),
  );
  return { x: float32([count, 4, 4], rows), y: int64([count], labels) };
}

/** Files of a folder, by name, made from what they hold. */
export function writeFiles(
  folder: string,
  files: Readonly<Record<string, Model | Uint8Array | string | Record<string, Tensor>>>,
): void {
  for (const [name, content] of Object.entries(files)) {
    const bytes =
      content instanceof Model
        ? writeModel(content)
        : typeof content === "string" || content instanceof Uint8Array
          ? content
          : writeNpz(content);
    writeFileSync(join(folder, name), bytes);
  }
}
