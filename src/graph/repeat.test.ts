import { expect, it } from "vitest";
import { operators } from "../ops/index.ts";
import { referenceRuntime } from "../runtime/reference.ts";
import { float32, scalar } from "../tensor/tensor.ts";
import { opBuilder } from "./builder.ts";
import { Graph, Model } from "./ir.ts";
import { repeatWith } from "./repeat.ts";
import { writeModel } from "./serialize.ts";
import { problemsOf } from "./verify.ts";

it("computes f(replacement) beside f(x), and shares what does not depend on x", async () => {
  const graph = new Graph("twice");
  const op = opBuilder(graph, operators);
  const x = op.input("x", { dtype: "float32", shape: ["N", 2] });
  const weights = op.Neg(op.initializer("w", float32([2, 2], [1, 2, 3, 4])));
  const y = op.Add(op.MatMul(op.Relu(x), weights), x);
  op.output(y);
  const before = graph.nodes.length;
  const again = repeatWith(op, x, op.Mul(x, scalar("float32", -1)), y);
  op.output(again);
  // The Mul, and copies of Relu, MatMul and Add; not of Neg.
  expect(graph.nodes.slice(before).map((node) => node.op)).toEqual(["Mul", "Relu", "MatMul", "Add"]);
  const model = new Model(graph, 18);
  expect(problemsOf(model)).toEqual([]);
  const session = await referenceRuntime().load(writeModel(model));
  const run = async (data: number[]) => session.run({ x: float32([1, 2], data) });
  const [one, negated] = [await run([1, -2]), await run([-1, 2])];
  expect(one[again.name]!.data).toEqual(negated[y.name]!.data);
  expect(one[again.name]!.data).not.toEqual(one[y.name]!.data);
});

it("is the value itself where nothing depends on x", () => {
  const graph = new Graph("none");
  const op = opBuilder(graph, operators);
  const x = op.input("x", { dtype: "float32", shape: [1] });
  const y = op.Neg(op.initializer("w", float32([1], [1])));
  expect(repeatWith(op, x, op.Neg(x), y)).toBe(y);
});
