import { float32, int64Vector, scalar } from "../../tensor/tensor.ts";
import type { OpBuilder } from "../builder.ts";
import type { Node, Value } from "../ir.ts";
import { FLOAT, labelsOf, perRow } from "./ml-attributes.ts";

/** Probabilities of pairs are at least this: their squares are still numbers. libsvm takes 1e-7, below which a gradient would be gone. */
const LEAST = 1e-12;
/** Sweeps of the coupling of pairs: libsvm stops long before. The operators grow with their number times the square of the classes. */
const SWEEPS = 6;
const MOST_COUPLED = 16;

interface Machine {
  readonly classes: number;
  /** Of each class. */
  readonly vectors: readonly number[];
  readonly features: number;
  readonly support: readonly number[];
  /** [classes - 1, all vectors]. */
  readonly coefficients: readonly number[];
  /** Of each pair of classes. */
  readonly rho: readonly number[];
  readonly kernel: string;
  readonly gamma: number;
  readonly coef0: number;
  readonly degree: number;
  /** Platt's two numbers of each pair; null where the scores are no probabilities. */
  readonly platt: { readonly a: readonly number[]; readonly b: readonly number[] } | null;
}

/**
 * A support vector machine in operators that have gradients: kernels, votes of pairs, and where it has probabilities their coupling (Wu, Lin and Weng, "Probability estimates for multi-class
 * classification by pairwise coupling", JMLR 5, 2004, algorithm 2), stopped where ONNX Runtime stops it. Null of a form that ONNX Runtime treats otherwise.
 */
export function writtenOutMachine(op: OpBuilder, node: Node, opset: number): Value[] | null {
  const machine = machineOf(node);
  const labels = labelsOf(node);
  if (machine === null || labels?.data.length !== machine.classes) return null;
  const { classes } = machine;
  const pairs = pairsOf(classes);
  const decisions = op.Add(
    op.MatMul(kernels(op, op.Cast(node.inputs[0]!, FLOAT), machine), weights(machine, pairs)),
    float32([1, pairs.length], machine.rho),
  );
  // The first of a pair has its vote where its decision is above 0, else the second.
  const won = op.Cast(op.Greater(decisions, scalar("float32", 0)), FLOAT);
  const votes = op.Add(
    op.MatMul(won, signs(pairs, classes)),
    float32(
      [1, classes],
      Array.from({ length: classes }, (_, i) => i),
    ),
  );
  const label = op.Gather(labels, op.ArgMax(votes, { axis: 1, keepdims: 0 }), { axis: 0 });
  if (machine.platt === null)
    // So ONNX Runtime gives the scores of two classes: the first is the one with the lower.
    return [label, classes === 2 ? op.MatMul(decisions, float32([1, 2], [-1, 1])) : decisions];
  const { a, b } = machine.platt;
  const odds = op.Neg(op.Add(op.Mul(decisions, float32([1, pairs.length], a)), float32([1, pairs.length], b)));
  // Of two classes the pair says all. Of more it is a Softmax of logarithms, since these are what a loss wants.
  const logits =
    classes === 2 ? op.MatMul(odds, float32([1, 2], [1, 0])) : op.Log(coupled(op, odds, pairs, classes, opset));
  return [label, op.Softmax(logits, { axis: 1 })];
}

function machineOf(node: Node): Machine | null {
  const [support, coefficients, rho, vectors] = ["support_vectors", "coefficients", "rho", "vectors_per_class"].map(
    (name) => node.numbers(name),
  );
  const [a, b, params] = ["prob_a", "prob_b", "kernel_params"].map((name) => node.numbers(name) ?? []);
  if (support == null || coefficients == null || rho == null || vectors == null) return null;
  const classes = vectors.length;
  const count = vectors.reduce((sum, own) => sum + own, 0);
  const pairs = (classes * (classes - 1)) / 2;
  const features = support.length / count;
  const fits =
    classes >= 2 &&
    Number.isInteger(features) &&
    coefficients.length === (classes - 1) * count &&
    rho.length === pairs &&
    a!.length === b!.length &&
    (a!.length === 0 || (a!.length === pairs && classes <= MOST_COUPLED));
  // Where no weight is negative ONNX Runtime gives other scores.
  if (!fits || node.string("post_transform", "NONE") !== "NONE" || coefficients.every((one) => one >= 0)) return null;
  const [gamma = 0, coef0 = 0, degree = 0] = params!;
  const kernel = node.string("kernel_type", "LINEAR");
  const platt = a!.length === 0 ? null : { a: a!, b: b! };
  return { classes, vectors, features, support, coefficients, rho, kernel, gamma, coef0, degree, platt };
}

function pairsOf(classes: number): (readonly [number, number])[] {
  return Array.from({ length: classes }, (_, i) =>
    Array.from({ length: classes - i - 1 }, (__, j) => [i, i + 1 + j] as const),
  ).flat();
}

/** [N, vectors]: how near each row is to each support vector. */
function kernels(op: OpBuilder, rows: Value, { support, features, kernel, gamma, coef0, degree }: Machine): Value {
  const count = support.length / features;
  const column = (values: readonly number[]) =>
    float32(
      [features, count],
      Array.from({ length: features * count }, (_, i) => values[(i % count) * features + Math.floor(i / count)]!),
    );
  if (kernel === "RBF") return near(op, rows, support, features, gamma, column);
  const products = op.MatMul(rows, column(support));
  if (kernel === "LINEAR") return products;
  const shifted = op.Add(op.Mul(products, scalar("float32", gamma)), scalar("float32", coef0));
  return kernel === "SIGMOID" ? op.Tanh(shifted) : op.Pow(shifted, scalar("float32", degree));
}

/** exp(-gamma d^2), the distances as differences of products: around the mean of the vectors, so that little is lost to rounding. */
function near(
  op: OpBuilder,
  rows: Value,
  support: readonly number[],
  features: number,
  gamma: number,
  column: (values: readonly number[]) => ReturnType<typeof float32>,
): Value {
  const count = support.length / features;
  const means = Array.from({ length: features }, (_, f) => {
    let sum = 0;
    for (let v = 0; v < count; v++) sum += support[v * features + f]!;
    return sum / count;
  });
  const centered = support.map((value, i) => value - means[i % features]!);
  const lengths = Array.from({ length: count }, (_, v) =>
    centered.slice(v * features, (v + 1) * features).reduce((sum, value) => sum + value * value, 0),
  );
  const x = op.Sub(rows, float32([1, features], means));
  const own = op.ReduceSum(op.Mul(x, x), int64Vector([-1]), { keepdims: 1 });
  const products = op.MatMul(x, column(centered));
  const squares = op.Add(op.Sub(own, op.Add(products, products)), float32([1, count], lengths));
  return op.Exp(op.Mul(op.Max(squares, scalar("float32", 0)), scalar("float32", -gamma)));
}

/** [vectors, pairs]: what the vectors of both classes of a pair weigh in it. */
function weights({ vectors, coefficients }: Machine, pairs: ReturnType<typeof pairsOf>) {
  const starts = vectors.map((_, i) => vectors.slice(0, i).reduce((sum, own) => sum + own, 0));
  const count = coefficients.length / (vectors.length - 1);
  const values = new Float32Array(count * pairs.length);
  for (const [p, [i, j]] of pairs.entries())
    for (const [own, row] of [
      [i, j - 1],
      [j, i],
    ] as const)
      for (let v = starts[own]!; v < starts[own]! + vectors[own]!; v++)
        values[v * pairs.length + p] = coefficients[row * count + v]!;
  return float32([count, pairs.length], values);
}

/** [pairs, classes]: 1 for the first of a pair, -1 for the second. With what the second had to begin with, i pairs of class i, these are votes. */
function signs(pairs: ReturnType<typeof pairsOf>, classes: number) {
  const values = new Float32Array(pairs.length * classes);
  for (const [p, [i, j]] of pairs.entries()) {
    values[p * classes + i] = 1;
    values[p * classes + j] = -1;
  }
  return float32([pairs.length, classes], values);
}

/** Probabilities of classes from those of pairs, by the sweeps that libsvm makes; a row that is done is left as it is. `odds`: the logarithms of those of pairs. */
function coupled(op: OpBuilder, odds: Value, pairs: ReturnType<typeof pairsOf>, classes: number, opset: number): Value {
  const constant = (value: number) => scalar("float32", value);
  const row = (values: readonly number[]) => float32([1, values.length], values);
  // r[i][j], the probability of i where it is i or j; on the diagonal 0. Each side by itself: 1 - r would lose the small one.
  const placed = (side: Value, cell: (i: number, j: number) => number) => {
    const cells = new Float32Array(pairs.length * classes * classes);
    for (const [p, [i, j]] of pairs.entries()) cells[p * classes * classes + cell(i, j)] = 1;
    const least = op.Max(op.Sigmoid(side), constant(LEAST));
    return op.MatMul(least, float32([pairs.length, classes * classes], cells));
  };
  const first = placed(odds, (i, j) => i * classes + j);
  const second = placed(op.Neg(odds), (i, j) => j * classes + i);
  const r = op.Reshape(op.Add(first, second), int64Vector([-1, classes, classes]));
  const turned = op.Transpose(r, { perm: [0, 2, 1] });
  const squares = op.ReduceSum(op.Mul(turned, turned), int64Vector([-1]), { keepdims: 1 });
  const eye = float32(
    [1, classes, classes],
    Array.from({ length: classes * classes }, (_, i) => Number(i % (classes + 1) === 0)),
  );
  const q = op.Sub(op.Mul(squares, eye), op.Mul(r, turned));
  const rows = Array.from({ length: classes }, (_, t) => op.Gather(q, scalar("int64", t), { axis: 1 }));
  const pick = (values: Value, t: number) => op.Gather(values, int64Vector([t]), { axis: 1 });
  const diagonal = rows.map((values, t) => pick(values, t));
  const sum = (values: Value) => op.ReduceSum(values, int64Vector([-1]), { keepdims: 1 });
  const unit = (t: number) => row(Array.from({ length: classes }, (_, i) => Number(i === t)));
  let p: Value = op.Add(op.Mul(op.Squeeze(squares, int64Vector([-1])), constant(0)), constant(1 / classes));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const column = op.Unsqueeze(p, int64Vector([-1]));
    let qp: Value = op.Squeeze(op.MatMul(q, column), int64Vector([-1]));
    const error = perRow(op, "ReduceMax", op.Abs(op.Sub(qp, sum(op.Mul(p, qp)))), opset);
    const isDone = op.Less(error, constant(0.005 / classes));
    // Within a sweep of the sum `total`, not of 1.
    let [moved, total]: [Value, Value] = [p, sum(p)];
    for (let t = 0; t < classes; t++) {
      const step = op.Div(op.Sub(op.Div(sum(op.Mul(moved, qp)), total), pick(qp, t)), diagonal[t]!);
      moved = op.Add(moved, op.Mul(step, unit(t)));
      total = op.Add(total, step);
      qp = op.Add(qp, op.Mul(step, rows[t]!));
    }
    p = op.Where(isDone, p, op.Div(moved, total));
  }
  return p;
}
