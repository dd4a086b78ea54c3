import { Rng } from "../base/rng.ts";
import type { DataSample } from "../data/dataset.ts";
import type { Classifier, LossName } from "../models/classifier.ts";

/** z = W2 tanh(W1 x + b1) + b2, or z = W2 x + b2 without hidden layer. Row-major weights. */
export interface SmallNet {
  readonly inputs: number;
  readonly classes: number;
  readonly hidden: { readonly weights: readonly number[]; readonly bias: readonly number[] } | null;
  readonly weights: readonly number[];
  readonly bias: readonly number[];
}

export interface NetOptions {
  readonly dims?: readonly number[];
  readonly maxBatch?: number;
  readonly concurrency?: number;
  /** Milliseconds that a pass takes, by its number: shuffles the order in which passes end. */
  readonly delayMs?: (pass: number) => number;
  /** What the original model says, if it is not the same. */
  readonly verify?: (row: Float32Array, scores: Float32Array) => Float32Array;
}

export interface CountingClassifier extends Classifier {
  /** Rows of all passes so far, padding included. */
  readonly rows: { forward: number; gradient: number; verify: number; passes: number; smallest: number };
}

/** An exact classifier with exact gradients, each row computed by itself. */
export function smallClassifier(net: SmallNet, options: NetOptions = {}): CountingClassifier {
  const rows = { forward: 0, gradient: 0, verify: 0, passes: 0, smallest: Infinity };
  const size = net.inputs;
  const maxBatch = options.maxBatch ?? 16;
  async function enter(count: number): Promise<void> {
    if (count > maxBatch) throw new Error(`a batch of ${count}`);
    rows.smallest = Math.min(rows.smallest, count);
    const delay = options.delayMs?.(rows.passes++) ?? 0;
    if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
  }
  const rowOf = (data: Float32Array, index: number): Float32Array => data.subarray(index * size, (index + 1) * size);
  return {
    classes: Array.from({ length: net.classes }, (_, index) => `class ${index}`),
    dims: options.dims ?? [size],
    capabilities: { output: "scores", gradient: true },
    maxBatch,
    concurrency: options.concurrency ?? 1,
    notes: [],
    problems: [],
    rows,
    async scores({ data, count }) {
      await enter(count);
      rows.forward += count;
      const result = new Float32Array(count * net.classes);
      for (let i = 0; i < count; i++) result.set(forward(net, rowOf(data, i)).scores, i * net.classes);
      return result;
    },
    async gradient({ data, count }, loss, labels, targets) {
      await enter(count);
      rows.gradient += count;
      const scores = new Float32Array(count * net.classes);
      const losses = new Float32Array(count);
      const gradients = new Float32Array(count * size);
      for (let i = 0; i < count; i++) {
        const row = rowOf(data, i);
        const { scores: z, hidden } = forward(net, row);
        const { value, slope } = lossOf(loss, z, labels[i]!, targets?.[i] ?? -1);
        scores.set(z, i * net.classes);
        losses[i] = value;
        gradients.set(backward(net, hidden, slope), i * size);
      }
      return { scores, losses, gradients };
    },
    async verify(row) {
      rows.verify++;
      const scores = Float32Array.from(forward(net, row).scores);
      return options.verify?.(row, scores) ?? scores;
    },
    async close() {},
  };
}

export function forward(net: SmallNet, x: ArrayLike<number>): { scores: number[]; hidden: number[] | null } {
  const hidden = net.hidden === null ? null : affine(net.hidden.weights, net.hidden.bias, x).map(Math.tanh);
  return { scores: affine(net.weights, net.bias, hidden ?? x), hidden };
}

function affine(weights: readonly number[], bias: readonly number[], x: ArrayLike<number>): number[] {
  return bias.map((start, row) => {
    let sum = start;
    for (let i = 0; i < x.length; i++) sum += weights[row * x.length + i]! * x[i]!;
    return sum;
  });
}

function backward(net: SmallNet, hidden: number[] | null, slope: readonly number[]): number[] {
  const transposed = (weights: readonly number[], columns: number, values: readonly number[]): number[] =>
    Array.from({ length: columns }, (_, column) =>
      values.reduce((sum, value, row) => sum + value * weights[row * columns + column]!, 0),
    );
  if (net.hidden === null || hidden === null) return transposed(net.weights, net.inputs, slope);
  const inner = transposed(net.weights, hidden.length, slope).map((value, i) => value * (1 - hidden[i]! ** 2));
  return transposed(net.hidden.weights, net.inputs, inner);
}

/** Losses of autodiff/losses, with their slopes with respect to the logits. */
function lossOf(
  loss: LossName,
  z: readonly number[],
  label: number,
  target: number,
): { value: number; slope: number[] } {
  const largest = Math.max(...z);
  const logSum = largest + Math.log(z.reduce((sum, value) => sum + Math.exp(value - largest), 0));
  const order = z.map((_, index) => index).sort((a, b) => z[b]! - z[a]! || a - b);
  const basis = (...parts: [number, number][]): number[] => {
    const result = z.map(() => 0);
    for (const [index, weight] of parts) result[index]! += weight;
    return result;
  };
  const best = (except: number): number => order.find((index) => index !== except)!;
  const difference = (up: number, down: number) => ({ value: z[up]! - z[down]!, slope: basis([up, 1], [down, -1]) });
  const over = (top: { value: number; slope: number[] }, bottomSlope: number[]) => {
    const bottom = bottomSlope.reduce((sum, weight, i) => sum + weight * z[i]!, 1e-12);
    return {
      value: top.value / bottom,
      slope: top.slope.map((slope, i) => (slope - (top.value / bottom) * bottomSlope[i]!) / bottom),
    };
  };
  const towards = (index: number, sign: number) => ({
    value: sign * (z[index]! - logSum),
    slope: z.map((value, i) => sign * ((i === index ? 1 : 0) - Math.exp(value - logSum))),
  });
  switch (loss) {
    case "cross-entropy":
      return towards(label, -1);
    case "targeted-cross-entropy":
      return towards(target, 1);
    case "margin":
      return difference(best(label), label);
    case "targeted-margin":
      return difference(target, best(target));
    case "other":
      return difference(target, label);
    case "dlr": {
      const top = difference(best(label), label);
      return z.length < 3 ? top : over(top, basis([order[0]!, 1], [order[2]!, -1]));
    }
    case "targeted-dlr": {
      const top = difference(target, label);
      const [first, , third, fourth] = order;
      return z.length < 3 ? top : over(top, basis([first!, 1], [third!, -0.5], [fourth ?? third!, -0.5]));
    }
  }
}

/** A net with random weights. */
export function randomNet(seed: number, inputs: number, classes: number, hidden: number | null = 8): SmallNet {
  const rng = Rng.of(seed);
  const draw = (count: number, scale: number): number[] => Array.from({ length: count }, () => scale * rng.normal());
  const middle = hidden === null ? null : { weights: draw(hidden * inputs, 1.5), bias: draw(hidden, 0.5) };
  const width = hidden ?? inputs;
  return { inputs, classes, hidden: middle, weights: draw(classes * width, 1), bias: draw(classes, 0.1) };
}

/** Random points, labelled by the net itself. */
export function randomSamples(seed: number, net: SmallNet, count: number, grid = false): DataSample[] {
  const rng = Rng.of(seed);
  return Array.from({ length: count }, (_, index) => {
    const point = Float32Array.from({ length: net.inputs }, () => (grid ? rng.integer(256) / 255 : rng.uniform()));
    const { scores } = forward(net, point);
    return { id: `sample-${index}`, index, point, label: scores.indexOf(Math.max(...scores)) };
  });
}

export async function* streamOf<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
