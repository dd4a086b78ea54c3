import { describe, expect, test } from "vitest";
import { operators } from "../../ops/index.ts";
import { float32, int64, int64Vector } from "../../tensor/tensor.ts";
import { GraphBuilder, type OpBuilder, opBuilder } from "../builder.ts";
import { cloneModel } from "../clone.ts";
import { Graph, Model, Node, type Shape, Value } from "../ir.ts";
import { printGraph } from "../print.ts";
import { problemsOf } from "../verify.ts";
import { foldConstants } from "./fold-constants.ts";
import { forgetShapes, inferShapes } from "./infer-shapes.ts";
import { prepareForGradient } from "./prepare-for-gradient.ts";
import { removeDeadCode } from "./remove-dead-code.ts";

/** A model written without types, as files give it. */
function build(shape: Shape, body: (op: OpBuilder, x: Value) => Value): Model {
  const graph = new Graph("g");
  const op = opBuilder(graph, { get: () => undefined });
  op.output(body(op, op.input("x", { dtype: "float32", shape })));
  return new Model(graph, 18);
}

const weight = float32([12, 2], new Array(24).fill(0.5));

/** How PyTorch exports `x.view(x.size(0), -1)`. */
const view = (op: OpBuilder, x: Value): Value => {
  const rows = op.Unsqueeze!(op.Gather!(op.Shape!(x), int64([], [0]), { axis: 0 }), int64Vector([0]));
  return op.Reshape!(x, op.Concat!(rows, int64Vector([-1]), { axis: 0 }));
};

describe("shape inference", () => {
  test("free sizes keep their name through computed shapes; unnamed ones get one", () => {
    const model = build([null, 3, 4], (op, x) => op.MatMul!(view(op, x), op.initializer("w", weight)));
    inferShapes(model, operators);
    expect(model.graph.outputs[0]!.shape).toEqual(["x_dim0", 2]);
  });

  test("declared types fill in what can't be inferred, and give way to what can", () => {
    const model = build(["N", 4], (op, x) => op.Relu!(op.node("Unheard", [x], {}, 1, "example")[0]!));
    const [unheard, relu] = model.graph.nodes.map((node) => node.outputs[0]!);
    unheard!.dtype = "float32";
    unheard!.shape = ["N", 7];
    relu!.shape = [5, null];
    inferShapes(model, operators);
    expect([unheard!.shape, relu!.shape]).toEqual([
      ["N", 7],
      ["N", 7],
    ]);
  });

  test("all contradictions at once", () => {
    const model = build([2, 3], (op, x) => {
      const bad = op.MatMul!(x, op.initializer("w", weight));
      return op.Add!(bad, op.MatMul!(x, op.initializer("v", weight)));
    });
    expect(() => inferShapes(model, operators)).toThrow(/MatMul 'MatMul'; MatMul 'MatMul_/);
  });

  test("sizes are inferred afresh once forgotten", () => {
    const model = build([1, 3, 4], (op, x) => op.Relu!(x));
    inferShapes(model, operators);
    model.graph.inputs[0]!.shape = ["N", 3, 4];
    forgetShapes(model);
    inferShapes(model, operators);
    expect(model.graph.outputs[0]!.shape).toEqual(["N", 3, 4]);
  });
});

describe("constant folding", () => {
  const folded = (shape: Shape, body: (op: OpBuilder, x: Value) => Value): string => {
    const model = build(shape, body);
    inferShapes(model, operators);
    foldConstants(model, operators);
    removeDeadCode(model);
    expect(problemsOf(model)).toEqual([]);
    return printGraph(model.graph);
  };

  test("shapes computed from known sizes", () => {
    expect(folded([2, 3, 4], view)).toMatchInlineSnapshot(`
      "g(x: float32[2,3,4]) -> (Reshape: float32[2,12]) {
        Concat: int64[2] = {2, -1}
        Reshape: float32[2,12] = Reshape(x, Concat)
      }"
    `);
  });

  test("shapes with a free size stay computed", () => {
    expect(folded(["N", 3, 4], view)).toContain("Shape(x)");
  });

  test("Constant nodes in all their forms", () => {
    const body = (op: OpBuilder, x: Value): Value => {
      const values = [
        op.Constant!({ value: float32([1], [1]) }),
        op.Constant!({ value_float: 2 }),
        op.Constant!({ value_floats: { type: "floats", value: [3] } }),
        op.Cast!(op.Constant!({ value_int: 4 }), { to: 1 }),
        op.Cast!(op.Constant!({ value_ints: [5] }), { to: 1 }),
      ];
      return values.reduce((sum, value) => op.Add!(sum, value), x);
    };
    expect(folded([1], body)).toMatchInlineSnapshot(`
      "g(x: float32[1]) -> (Add_8: float32[1]) {
        Constant: float32[1] = {1}
        Constant_0: float32[] = {2}
        Constant_1: float32[1] = {3}
        Cast: float32[] = {4}
        Cast_4: float32[1] = {5}
        Add: float32[1] = Add(x, Constant)
        Add_5: float32[1] = Add(Add, Constant_0)
        Add_6: float32[1] = Add(Add_5, Constant_1)
        Add_7: float32[1] = Add(Add_6, Cast)
        Add_8: float32[1] = Add(Add_7, Cast_4)
      }"
    `);
  });

  test("integer arithmetic, and floats only where no bit can change", () => {
    const body = (op: OpBuilder, x: Value): Value => {
      const height = op.Cast!(op.Gather!(op.Shape!(x), int64Vector([2])), { to: 1 });
      const exact = op.Floor!(op.Mul!(height, op.Constant!({ value: float32([1], [1.5]) })));
      const inexact = op.Mul!(height, op.Constant!({ value: float32([1], [0.1]) }));
      return op.Add!(op.Mul!(op.Exp!(op.Constant!({ value_float: 1 })), x), op.Concat!(exact, inexact, { axis: 0 }));
    };
    expect(folded([2, 1, 5, 2], body)).toMatchInlineSnapshot(`
      "g(x: float32[2,1,5,2]) -> (Add: float32[2,1,5,2]) {
        Cast: float32[1] = {5}
        Floor: float32[1] = {7}
        Constant_0: float32[1] = {0.10000000149011612}
        Constant_2: float32[] = {1}
        Mul_1: float32[1] = Mul(Cast, Constant_0)
        Exp: float32[] = Exp(Constant_2)
        Mul_3: float32[2,1,5,2] = Mul(Exp, x)
        Concat: float32[2] = Concat(Floor, Mul_1) {axis: 0}
        Add: float32[2,1,5,2] = Add(Mul_3, Concat)
      }"
    `);
  });

  test("weights stay, even where they are only moved: somebody may want their gradient", () => {
    const body = (op: OpBuilder, x: Value): Value =>
      op.MatMul!(x, op.Transpose!(op.initializer("w", float32([2, 3], [1, 2, 3, 4, 5, 6]))));
    expect(folded(["N", 3], body)).toContain("Transpose(w)");
  });

  test("large results, random numbers and integers beyond 2^53 stay", () => {
    const body = (op: OpBuilder, x: Value): Value => {
      const large = op.ConstantOfShape!(int64Vector([2000]));
      const random = op.RandomUniformLike!(op.Constant!({ value: float32([1], [0]) }));
      const sentinel = op.initializer("max", { dtype: "int64", dims: [1], data: BigInt64Array.of(2n ** 63n - 1n) });
      const ends = op.Neg!(sentinel);
      return op.Add!(op.Slice!(op.Add!(x, op.ReduceSum!(large)), int64Vector([0]), ends), random);
    };
    const text = folded([4], body);
    for (const op of ["ConstantOfShape", "RandomUniformLike", "Neg"]) expect(text).toContain(`= ${op}(`);
  });
});

describe("dead code", () => {
  test("what no output needs goes, inputs stay", () => {
    const model = build([2], (op, x) => {
      op.Exp!(op.Relu!(x), op.initializer("unused", float32([1], [1])));
      return op.Neg!(x);
    });
    model.graph.inputs.push(new Value("idle", { dtype: "float32", shape: [] }));
    removeDeadCode(model);
    expect(printGraph(model.graph)).toMatchInlineSnapshot(`
      "g(x: float32[2], idle: float32[]) -> (Neg) {
        Neg = Neg(x)
      }"
    `);
  });

  test("what only a subgraph needs stays", () => {
    const model = build([2], (op, x) => {
      const outside = op.Neg!(x);
      const branch = new Graph("branch");
      const inside = new Value("inside");
      branch.nodes = [new Node("Relu", [outside], [inside]), new Node("Relu", [outside], [new Value("dead")])];
      branch.outputs = [inside];
      const flag = op.initializer("flag", { dtype: "bool", dims: [], data: Uint8Array.of(1) });
      return op.node("If", [flag], { then_branch: { type: "graph", value: branch } })[0]!;
    });
    removeDeadCode(model);
    expect(printGraph(model.graph)).toMatchInlineSnapshot(`
      "g(x: float32[2]) -> (If) {
        flag: bool[] = {1}
        Neg = Neg(x)
        If = If(flag)
          then_branch: branch() -> (inside) {
            inside = Relu(Neg)
          }
      }"
    `);
  });
});

test("a copy shares weights and nothing else", () => {
  const model = build(["N", 12], (op, x) => op.MatMul!(x, op.initializer("w", weight)));
  const before = printGraph(model.graph);
  const copy = cloneModel(model);
  expect(copy.graph.initializers[0]!.constant).toBe(weight);
  copy.graph.nodes[0]!.op = "Other";
  copy.graph.inputs[0]!.shape = null;
  copy.opsets.set("", 99);
  expect([printGraph(model.graph), model.opset]).toEqual([before, 18]);
});

test("an old model is prepared for its gradient", () => {
  const model = build(["N", 3, 4], (op, x) => {
    const flat = view(op, x);
    const [kept] = op.node(
      "Dropout",
      [op.Gemm!(flat, op.initializer("w", weight), op.initializer("b", float32([2], [1, 2])))],
      { ratio: 0.5 },
    );
    return op.Softmax!(op.Clip!(kept!, { min: { type: "float", value: -1 } }), { axis: 1 });
  });
  for (const node of model.graph.nodes) if (node.op === "Unsqueeze") node.inputs.pop();
  for (const node of model.graph.nodes)
    if (node.op === "Unsqueeze") node.attributes.set("axes", { type: "ints", value: [0] });
  model.opsets.set("", 9);
  prepareForGradient(model, operators);
  expect(problemsOf(model)).toEqual([]);
  expect(printGraph(model.graph)).toMatchInlineSnapshot(`
    "g(x: float32[N,3,4]) -> (Softmax: float32[N,2]) {
      const: int64[] = {0}
      const_1: int64[1] = {-1}
      w: float32[12,2]
      b: float32[2] = {1, 2}
      Unsqueeze_axes: int64[1] = {0}
      Dropout_ratio: float32[] = {0.5}
      Clip_min: float32[] = {-1}
      Shape: int64[3] = Shape(x)
      Gather: int64[] = Gather(Shape, const) {axis: 0}
      Unsqueeze: int64[1] = Unsqueeze(Gather, Unsqueeze_axes)
      Concat: int64[2] = Concat(Unsqueeze, const_1) {axis: 0}
      Reshape: float32[N,12] = Reshape(x, Concat)
      Gemm: float32[N,2] = Gemm(Reshape, w, b)
      Dropout: float32[N,2] = Dropout(Gemm, Dropout_ratio)
      Clip: float32[N,2] = Clip(Dropout, Clip_min)
      Softmax: float32[N,2] = Softmax(Clip) {axis: -1}
    }"
  `);
});

test("a builder that wraps a graph gives new values names of their own", () => {
  const model = build([2], (op, x) => op.Relu!(x));
  const builder = new GraphBuilder(model.graph, operators);
  expect(builder.node("Relu", [model.graph.inputs[0]!])[0]!.name).toBe("Relu_0");
});
