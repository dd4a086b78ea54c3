import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BlindspotError } from "../base/errors.ts";
import { Rng } from "../base/rng.ts";
import { type OpBuilder, opBuilder } from "../graph/builder.ts";
import { printGraph } from "../graph/index.ts";
import { Graph, type Shape, type Value } from "../graph/ir.ts";
import { opTable, type Reference } from "../ops/define.ts";
import { operators } from "../ops/index.ts";
import { interpret } from "../ops/interpret.ts";
import { float32, scalar } from "../tensor/tensor.ts";
import { backward } from "./backward.ts";
import { gradcheck, gradientCase } from "./gradcheck.ts";

const build = (): OpBuilder => opBuilder(new Graph(), operators);
const input = (op: OpBuilder, name: string, shape: Shape): Value => op.input(name, { dtype: "float32", shape });
const filled = (dims: readonly number[], ...values: number[]): Reference => ({
  dtype: "float64",
  dims,
  data: Float64Array.from(values),
});

/** The gradients of sum(y), with respect to the targets. */
function gradients(op: OpBuilder, y: Value, targets: readonly Value[]): Map<Value, Value | null> {
  const cotangent = op.input("cotangent", { dtype: y.dtype, shape: y.shape });
  return backward(op, { table: operators, outputs: [{ value: y, cotangent }], targets });
}

describe("backward", () => {
  it("writes nodes only between targets and outputs, under the forward node's name", () => {
    const op = build();
    const x = input(op, "x", ["N", 3]);
    const w = op.initializer("w", float32([3, 2], [1, 2, 3, 4, 5, 6]));
    const b = op.initializer("b", float32([2], [1, 2]));
    op.Exp(x);
    const y = op.Add(op.MatMul(x, w), b);
    const dx = gradients(op, y, [x]).get(x)!;
    op.output(dx);
    expect(printGraph(op.graph)).toMatchInlineSnapshot(`
      "graph(x: float32[N,3], cotangent: float32[N,2]) -> (grad/MatMul/Gemm: float32[N,3]) {
        w: float32[3,2] = {1, 2, 3, 4, 5, 6}
        b: float32[2] = {1, 2}
        Exp: float32[N,3] = Exp(x)
        MatMul: float32[N,2] = MatMul(x, w)
        Add: float32[N,2] = Add(MatMul, b)
        grad/MatMul/Gemm: float32[N,3] = Gemm(cotangent, w) {transB: 1}
      }"
    `);
  });

  it("adds up what arrives over several paths, and twice at one node", () => {
    const op = build();
    const x = input(op, "x", [2]);
    const y = op.Add(op.Mul(x, x), x);
    const dx = gradients(op, y, [x]).get(x)!;
    const feeds = new Map([
      [x, filled([2], 3, -1)],
      [op.graph.inputs[1]!, filled([2], 1, 10)],
    ]);
    // d(x^2 + x) = 2 x + 1
    expect([...interpret(op.graph, feeds, operators, [dx]).get(dx)!.data]).toEqual([7, -10]);
  });

  it("stops at inner values that are targets too", () => {
    const op = build();
    const x = input(op, "x", [2]);
    const h = op.Mul(x, op.scalarLike(x, 3));
    const y = op.Mul(h, h);
    const found = gradients(op, y, [x, h]);
    const feeds = new Map([
      [x, filled([2], 1, 2)],
      [op.graph.inputs[1]!, filled([2], 1, 1)],
    ]);
    const values = interpret(op.graph, feeds, operators, [found.get(x)!, found.get(h)!]);
    expect([...values.get(found.get(h)!)!.data]).toEqual([6, 12]);
    expect([...values.get(found.get(x)!)!.data]).toEqual([18, 36]);
  });

  it("returns null where no derivative leads: another input, or integers on the way", () => {
    const op = build();
    const [x, unused] = [input(op, "x", [4]), input(op, "unused", [4])];
    const y = op.Cast(op.ArgMax(x, { axis: 0 }), { to: 1 });
    expect([...gradients(op, y, [x, unused]).values()]).toEqual([null, null]);
  });

  it("flows through the integers between QuantizeLinear and DequantizeLinear", () => {
    const op = build();
    const x = input(op, "x", [3]);
    const [scale, zero] = [op.constant(scalar("float32", 0.5)), op.constant(scalar("uint8", 0))];
    const y = op.DequantizeLinear(op.QuantizeLinear(x, scale, zero), scale, zero);
    const dx = gradients(op, y, [x]).get(x)!;
    const feeds = new Map([
      [x, filled([3], 0.3, 2, 1000)],
      [op.graph.inputs[1]!, filled([3], 1, 1, 1)],
    ]);
    // 1000 is beyond 255 * 0.5: clipped, so nothing flows.
    expect([...interpret(op.graph, feeds, operators, [dx]).get(dx)!.data]).toEqual([1, 1, 0]);
  });

  it("names every node without a rule, at once", () => {
    const partial = opTable(operators.all.filter(({ type }) => type !== "Exp" && type !== "Sin"));
    const op = build();
    const x = input(op, "x", [2]);
    const y = op.Sin(op.Exp(x));
    op.Exp(op.Sin(x));
    const attempt = () => backward(op, { table: partial, outputs: [{ value: y, cotangent: x }], targets: [x] });
    expect(attempt).toThrow(BlindspotError);
    expect(attempt).toThrow(
      /^E_OP_NO_GRADIENT Exp 'Exp': .*got Exp, which is unknown here\. Attacks that only query.*\nE_OP_NO_GRADIENT Sin 'Sin'[^\n]*$/,
    );
  });

  it("sees what a subgraph captures: no derivative is dropped in silence", () => {
    const op = build();
    const x = input(op, "x", [2]);
    const branch = opBuilder(new Graph(), operators);
    branch.output(branch.Exp(x));
    const condition = op.input("condition", { dtype: "bool", shape: [] });
    const both = { type: "graph", value: branch.graph } as const;
    const y = op.If(condition, { then_branch: both, else_branch: both });
    y.dtype = "float32";
    expect(() => gradients(op, op.Add(x, y), [x])).toThrow(/^E_OP_NO_GRADIENT If 'If'/);
  });

  it("names the node where a rank is unknown", () => {
    const op = build();
    const x = op.input("x", { dtype: "float32", shape: null });
    const y = op.Relu(x);
    expect(() => gradients(op, y, [x])).toThrow(/^E_SHAPE_UNKNOWN Relu 'Relu', input 0 \('x'\).*--shape/);
  });
});

describe("the adjoint of broadcasting", () => {
  /** Two shapes that broadcast together: a common one, with some of its sizes replaced by 1 or left out at the front. */
  const shapes = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 }).chain((common) => {
    const ones = fc.array(fc.boolean(), { minLength: common.length, maxLength: common.length });
    const one = fc
      .tuple(ones, fc.nat(common.length))
      .map(([flags, skip]) => common.map((dim, i) => (flags[i] ? 1 : dim)).slice(skip));
    return fc.tuple(one, one);
  });

  it("is the derivative for any two shapes that fit", () => {
    const rule = operators.get("Mul")!;
    fc.assert(
      fc.property(shapes, fc.nat(), (inputs, seed) => {
        const given = gradientCase(rule, { inputs }, operators, Rng.of(seed));
        expect(gradcheck(given, operators, Rng.of(seed)).error).toBeLessThan(1e-6);
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    [
      [1, 2],
      [11, 22],
    ],
    [
      [3, 2],
      [1, 2, 3, 4, 7, 16],
    ],
  ])("compares sizes at run time where names differ: y is [%s]", (dims, expected) => {
    const op = build();
    const [x, y] = [input(op, "x", ["N", 2]), input(op, "y", ["M", 2])];
    const dy = gradients(op, op.Add(x, y), [y]).get(y)!;
    const feeds = new Map([
      [x, filled([3, 2], 0, 0, 0, 0, 0, 0)],
      [y, filled(dims, ...new Array<number>(dims[0]! * 2).fill(0))],
      [op.graph.inputs[2]!, filled([3, 2], 1, 2, 3, 4, 7, 16)],
    ]);
    const result = interpret(op.graph, feeds, operators, [dy]).get(dy)!;
    expect(result.dims).toEqual(dims);
    expect([...result.data]).toEqual(expected);
  });
});
