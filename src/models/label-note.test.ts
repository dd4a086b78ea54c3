import { expect, it } from "vitest";
import { type OpBuilder, opBuilder } from "../graph/builder.ts";
import { writeModel } from "../graph/index.ts";
import { Graph, Model, type Value } from "../graph/ir.ts";
import { operators } from "../ops/index.ts";
import { float32, tensor } from "../tensor/tensor.ts";
import { loadClassifier } from "./load-classifier.ts";

/** Scores of three classes, and a label that is made of them in some way. */
function labelled(choose: (op: OpBuilder, scores: Value) => Value): Uint8Array {
  const graph = new Graph("labelled");
  const op = opBuilder(graph, operators);
  const x = op.input("x", { dtype: "float32", shape: ["N", 4] });
  const scores = op.MatMul(x, float32([4, 3], [3, -1, 0, -2, 2, 1, 0, 3, -3, 1, -2, 2]));
  const label = op.Gather(tensor("string", [3], ["cat", "dog", "owl"]), choose(op, scores), { axis: 0 });
  op.output(Object.assign(scores, { name: "scores" }));
  op.output(Object.assign(label, { name: "label", dtype: "string", shape: ["N"] }));
  return writeModel(new Model(graph, 18));
}

it.each<[string, (op: OpBuilder, scores: Value) => Value, number]>([
  ["the highest score", (op, scores) => op.ArgMax(scores, { axis: 1, keepdims: 0 }), 0],
  ["the lowest", (op, scores) => op.ArgMin(scores, { axis: 1, keepdims: 0 }), 8],
])("a label that is the class of %s is told where it differs from what decides", async (_, choose, differing) => {
  const classifier = await loadClassifier(labelled(choose));
  const told = classifier.notes.filter((note) => note.includes("'label'"));
  const note = `its output 'label' is not the class of the highest score, which decides here, on ${differing} of 8 made-up inputs`;
  expect(told).toEqual(differing === 0 ? [] : [note]);
  await classifier.close();
});
