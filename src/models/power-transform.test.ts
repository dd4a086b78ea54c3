import { expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { opBuilder } from "../graph/builder.ts";
import { writeModel } from "../graph/index.ts";
import { Graph, Model } from "../graph/ir.ts";
import { operators } from "../ops/index.ts";
import { float32 } from "../tensor/tensor.ts";
import { loadClassifier } from "./load-classifier.ts";

/** (1 + x)^0.3 where that is a number, else -(1 - x)^1.7: the way in which scikit-learn's PowerTransformer is exported, NaN of the other side put aside by an Imputer. */
function powers(): Uint8Array {
  const graph = new Graph("powers");
  const op = opBuilder(graph, { get: (name, domain) => operators.get(name, domain) });
  const x = op.input("x", { dtype: "float32", shape: ["N", 2] });
  const isNegative = op.Cast(op.Less(x, float32([], [-1])), { to: 1 });
  const side = (values: typeof x) => {
    const nan = { type: "float", value: Number.NaN } as const;
    const none = { type: "floats", value: [0] } as const;
    const [imputed] = op.node(
      "Imputer",
      [values],
      { imputed_value_floats: none, replaced_value_float: nan },
      1,
      "ai.onnx.ml",
    );
    return Object.assign(imputed!, { dtype: "float32", shape: ["N", 2] });
  };
  const above = side(op.Pow(op.Add(x, float32([], [1])), float32([2], [0.3, 0.3])));
  const below = side(op.Neg(op.Pow(op.Sub(float32([], [-1]), x), float32([2], [1.7, 1.7]))));
  const one = float32([], [1]);
  const joined = op.Add(op.Mul(above, op.Sub(one, isNegative)), op.Mul(below, isNegative));
  op.output(op.MatMul(joined, float32([2, 2], [1, -1, 0.5, 2])));
  const model = new Model(graph, 18);
  model.opsets.set("ai.onnx.ml", 1);
  return writeModel(model);
}

it("a power of each feature that is put aside where it is NaN has the gradients of what is left", async () => {
  const classifier = await loadClassifier(powers(), { inputRange: [-4, 4] });
  expect([classifier.capabilities.gradient, classifier.problems]).toEqual([true, []]);
  const rng = Rng.of(3);
  const step = 1e-3;
  for (let i = 0; i < 20; i++) {
    const row = Float32Array.from({ length: 2 }, () => 0.05 + 0.9 * rng.uniform());
    // Away from the seam.
    if (row.some((value) => Math.abs(8 * value - 3) < 0.2)) continue;
    const of = (data: Float32Array) => classifier.gradient({ data, count: 1 }, "margin", Int32Array.of(0));
    const { gradients } = await of(row);
    for (const f of [0, 1]) {
      const at = async (move: number) => (await of(row.map((value, j) => (j === f ? value + move : value)))).losses[0]!;
      const slope = ((await at(step)) - (await at(-step))) / (2 * step);
      expect(Math.abs(gradients[f]! - slope)).toBeLessThan(2e-2 * Math.max(1, Math.abs(slope)));
    }
  }
  await classifier.close();
});
