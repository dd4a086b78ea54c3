import { sha256 } from "../../base/hash.ts";
import { Graph, Model, type OpBuilder, opBuilder, type Value } from "../../graph/index.ts";
import { operators } from "../../ops/index.ts";
import type { TrainingRows } from "../training-rows.ts";

/** Labelled rows from arrays. */
export function rowsFrom(spec: string, points: readonly Float32Array[], labels: readonly number[]): TrainingRows {
  return {
    spec,
    sha256: sha256(spec),
    count: points.length,
    size: points[0]!.length,
    labels: Int32Array.from(labels),
    hashes: points.map((point) => sha256(new Uint8Array(Float32Array.from(point).buffer))),
    groups: null,
    copy: (row, target, offset) => target.set(points[row]!, offset),
  };
}

/** Rows of `size` values one after another. */
export function cut(values: readonly number[], size: number): Float32Array[] {
  return Array.from({ length: values.length / size }, (_, i) =>
    Float32Array.from(values.slice(i * size, (i + 1) * size)),
  );
}

/** A model of one input of this shape. */
export function modelOf(shape: readonly (number | string)[], write: (op: OpBuilder, x: Value) => Value): Model {
  const graph = new Graph("small");
  const op = opBuilder(graph, operators);
  const output = write(op, op.input("x", { dtype: "float32", shape }));
  output.name = "logits";
  op.output(output);
  return new Model(graph, 18);
}
