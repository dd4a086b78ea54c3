import { describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { opBuilder } from "../graph/builder.ts";
import { printGraph, readModel, writeModel } from "../graph/index.ts";
import { Graph, Model } from "../graph/ir.ts";
import { operators } from "../ops/index.ts";
import { runDirectly } from "../runtime/node-direct.ts";
import { referenceRuntime } from "../runtime/reference.ts";
import { float32, int64, int64Vector, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { explainGradient } from "./explain.ts";
import { withGradient, withVjp } from "./with-gradient.ts";

const table = operators;

function random(dims: readonly number[], seed: number): Tensor {
  const rng = Rng.of(seed);
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => rng.normal()),
  );
}

/** x [N,4] -> hidden -> logits [N,3], and the class beside them. */
function classifier(): Model {
  const op = opBuilder(new Graph("tiny"), table);
  const x = op.input("x", { dtype: "float32", shape: ["N", 4] });
  const [w1, b1, w2] = [[4, 5], [5], [5, 3]].map((dims, i) => op.initializer(`w${i}`, random(dims, i)));
  const hidden = op.Relu(op.Gemm(x, w1!, b1!));
  hidden.name = "hidden";
  const logits = op.MatMul(hidden, w2!);
  logits.name = "logits";
  const label = op.ArgMax(logits, { axis: 1, keepdims: 0 });
  label.name = "label";
  op.output(logits);
  op.output(label);
  return new Model(op.graph, 18);
}

const x = random([3, 4], 7);
const labels = int64([3], [0, 1, 2]);
const targets = int64([3], [1, 2, 0]);

describe("withGradient", () => {
  it("has the inputs and outputs of the contract", () => {
    const model = withGradient(classifier(), { table, loss: "targeted-dlr", wrt: ["x", "w2", "hidden"] });
    const ports = (values: { name: string; dtype: unknown; shape: unknown }[]) =>
      values.map(({ name, dtype, shape }) => `${name}: ${dtype} [${shape}]`);
    expect(ports(model.graph.inputs)).toEqual(["x: float32 [N,4]", "labels: int64 [N]", "targets: int64 [N]"]);
    expect(ports(model.graph.outputs)).toEqual([
      "logits: float32 [N,3]",
      "label: int64 [N]",
      "loss: float32 [N]",
      "grad_x: float32 [N,4]",
      "grad_w2: float32 [5,3]",
      "grad_hidden: float32 [N,5]",
    ]);
  });

  it("holds no node that no output needs", () => {
    const { graph } = withGradient(classifier(), { table, loss: "targeted-dlr" });
    const used = new Set([...graph.outputs, ...graph.nodes.flatMap((node) => node.inputs)]);
    const idle = graph.nodes.filter((node) => !node.outputs.some((output) => used.has(output)));
    expect(idle.map((node) => node.describe())).toEqual([]);
  });

  it("asks for targets only where the loss has any, and for the float inputs by default", () => {
    const { graph } = withGradient(classifier(), { table, loss: "margin" });
    expect(graph.inputs.map(({ name }) => name)).toEqual(["x", "labels"]);
    expect(graph.outputs.at(-1)!.name).toBe("grad_x");
  });

  it("leaves the model as it was and shares its weights", () => {
    const model = classifier();
    const before = printGraph(model.graph);
    const gradient = withGradient(model, { table, loss: "cross-entropy", wrt: ["x", "w0"] });
    expect(printGraph(model.graph)).toBe(before);
    const weight = (of: Model) => of.graph.initializers.find(({ name }) => name === "w0")!.constant!.data;
    expect(weight(gradient)).toBe(weight(model));
  });

  it("gives each row its own sample's gradient, and the same in float32 on ONNX Runtime as in float64", async () => {
    const bytes = writeModel(withGradient(classifier(), { table, loss: "dlr" }));
    const exact = await (await referenceRuntime().load(bytes)).run({ x, labels });
    const together = await runDirectly(bytes, { x, labels });
    for (const name of ["logits", "loss", "grad_x"])
      for (const [i, value] of exact[name]!.data.entries())
        expect(Number(together[name]!.data[i])).toBeCloseTo(Number(value), 4);
    for (const row of [0, 1, 2]) {
      const one = {
        x: float32([1, 4], (x.data as Float32Array).slice(row * 4, row * 4 + 4)),
        labels: int64([1], [row]),
      };
      const alone = await (await referenceRuntime().load(bytes)).run(one);
      const rows = (exact["grad_x"]!.data as Float64Array).slice(row * 4, row * 4 + 4);
      for (const [i, value] of rows.entries()) expect(Number(alone["grad_x"]!.data[i])).toBeCloseTo(value, 12);
    }
  });

  it("takes the loss at an inner value", async () => {
    const op = opBuilder(new Graph(), table);
    const z = op.input("z", { dtype: "float32", shape: ["N", 3] });
    const scaled = op.Mul(z, op.scalarLike(z, 2));
    scaled.name = "scaled";
    op.output(op.Softmax(scaled));
    const model = withGradient(new Model(op.graph, 18), { table, loss: "other", logits: "scaled" });
    const feeds = { z: random([3, 3], 1), labels, targets };
    const { grad_z } = await (await referenceRuntime().load(writeModel(model))).run(feeds);
    expect([...(grad_z!.data as Float64Array)]).toEqual([-2, 2, 0, 0, -2, 2, 2, 0, -2]);
  });

  it("names every collision", () => {
    const model = classifier();
    model.graph.initializers[0]!.name = "labels";
    model.graph.nodes[0]!.outputs[0]!.name = "grad_x";
    expect(() => withGradient(model, { table, loss: "margin" })).toThrow(/^E_NAME_COLLISION 'labels'; 'grad_x':/);
  });

  it("names an operator without a rule, where it leaves the shape of the logits open", () => {
    const op = opBuilder(new Graph("unknown"), table);
    const x = op.input("x", { dtype: "float32", shape: ["N", 4, 4] });
    op.output(op.Add(op.Det(x), op.Flatten(x)));
    expect(() => withGradient(new Model(op.graph, 18), { table, loss: "margin" })).toThrow(/^E_OP_NO_GRADIENT Det/);
  });

  it("says what is missing: a name, a float input, or which operator cuts the only path", () => {
    const words = opBuilder(new Graph(), table);
    words.output(words.input("text", { dtype: "string", shape: ["N", 2] }));
    expect(() => withGradient(new Model(words.graph, 18), { table, loss: "margin" })).toThrow(
      /^E_NO_GRADIENT_PATH the model: expected an input of a float type, got text: string/,
    );
    expect(() => withGradient(classifier(), { table, loss: "margin", wrt: ["nothing"] })).toThrow(
      /^E_NAME_UNKNOWN 'nothing'/,
    );
    const op = opBuilder(new Graph(), table);
    const input = op.input("x", { dtype: "float32", shape: ["N", 3] });
    op.output(
      op.OneHot(op.ArgMax(input, { axis: 1, keepdims: 0 }), int64Vector([3]), float32([2], [0, 1]), { axis: 1 }),
    );
    expect(() => withGradient(new Model(op.graph, 18), { table, loss: "margin" })).toThrow(
      /^E_NO_GRADIENT_PATH 'x': .*got paths that end at ArgMax 'ArgMax'.*--profile score/,
    );
  });
});

describe("withVjp", () => {
  it("pulls a cotangent back", async () => {
    const bytes = writeModel(withVjp(classifier(), { table, wrt: ["w2"] }));
    expect(readModel(bytes).graph.inputs.map(({ name }) => name)).toEqual(["x", "cotangent_logits"]);
    const cotangent_logits = random([3, 3], 9);
    const { grad_w2 } = await (await referenceRuntime().load(bytes)).run({ x, cotangent_logits });
    // dW = hidden^T dy
    const vjp = withVjp(classifier(), { table, wrt: ["hidden"] });
    vjp.graph.outputs.push(vjp.graph.nodes.flatMap((node) => node.outputs).find(({ name }) => name === "hidden")!);
    const { hidden } = await (await referenceRuntime().load(writeModel(vjp))).run({ x, cotangent_logits });
    const at = (tensor: Tensor, i: number, j: number): number => Number(tensor.data[i * tensor.dims[1]! + j]);
    for (let i = 0; i < 5; i++)
      for (let j = 0; j < 3; j++) {
        const expected = [0, 1, 2].reduce((sum, n) => sum + at(hidden!, n, i) * at(cotangent_logits, n, j), 0);
        expect(at(grad_w2!, i, j)).toBeCloseTo(expected, 5);
      }
  });
});

describe("explainGradient", () => {
  it("counts operators of a model that can be differentiated", () => {
    const found = explainGradient(classifier(), table);
    expect(found).toMatchObject({ differentiable: true, blockers: [], straightThrough: [], flat: [] });
    expect(found.operators.get("Gemm")).toEqual({ count: 1, gradient: true });
  });

  it("names what is flat, straight-through, unknown, or in the way", () => {
    const op = opBuilder(new Graph(), table);
    const input = op.input("x", { dtype: "float32", shape: ["N", 3] });
    const [scale, zero] = [op.initializer("scale", float32([], [0.1])), op.initializer("zero", int64([], [0]))];
    zero.dtype = "uint8";
    zero.constant = { dtype: "uint8", dims: [], data: Uint8Array.of(0) };
    const quantized = op.DequantizeLinear(op.QuantizeLinear(input, scale, zero), scale, zero);
    const [mystery] = op.node("Mystery", [op.Round(quantized)], {}, 1, "com.example");
    op.output(mystery!);
    const found = explainGradient(new Model(op.graph, 18), table);
    expect(found.differentiable).toBe(false);
    expect(found.blockers).toEqual([
      { node: "Mystery 'Mystery'", reason: "com.example.Mystery, which is unknown here" },
    ]);
    expect(found.straightThrough).toEqual(["QuantizeLinear 'QuantizeLinear'", "DequantizeLinear 'DequantizeLinear'"]);
    expect(found.flat).toEqual(["Round 'Round'"]);
    expect(explainGradient(classifier(), table, { wrt: [] }).blockers[0]!.reason).toBe("has no input of a float type");
    expect(explainGradient(classifier(), table, { output: "label" }).blockers).toEqual([
      { node: "ArgMax 'ArgMax'", reason: "its output does not vary smoothly with its input" },
    ]);
  });
});
