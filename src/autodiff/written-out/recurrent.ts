import type { OpBuilder } from "../../graph/builder.ts";
import type { Node, Value } from "../../graph/ir.ts";
import { int64Vector } from "../../tensor/tensor.ts";

/** Each step is a dozen nodes: longer sequences are left as they are. */
const MOST_STEPS = 512;

/** What a cell carries from step to step, [N, hidden] each; null: zeros. */
interface State {
  readonly h: Value | null;
  readonly c: Value | null;
}

interface Weights {
  /** [hidden, gates * hidden] */
  readonly r: Value;
  readonly hidden: number;
  /** [gates * hidden], added to what comes of the state; null: none. */
  readonly rb: Value | null;
  readonly activation: string;
  /** GRU: whether the reset gate acts behind the product with the state. */
  readonly resetAfter: boolean;
}

interface Cell {
  readonly gates: number;
  /** Lists of activations, for one direction, that the step below is written for. */
  readonly activations: readonly (readonly string[])[];
  /** @param x what comes of the input, [N, gates * hidden], its bias included */
  step(op: OpBuilder, x: Value, state: State, weights: Weights): { readonly h: Value; readonly c: Value | null };
}

const CELLS: Readonly<Record<string, Cell>> = {
  RNN: {
    gates: 1,
    activations: [["tanh"], ["relu"]],
    step(op, x, { h }, weights) {
      const sum = plus(op, x, fromState(op, h, weights));
      return { h: weights.activation === "relu" ? op.Relu(sum) : op.Tanh(sum), c: null };
    },
  },
  LSTM: {
    gates: 4,
    activations: [["sigmoid", "tanh", "tanh"]],
    step(op, x, { h, c }, weights) {
      const [i, o, f, g] = parts(op, plus(op, x, fromState(op, h, weights)), 4, weights.hidden);
      const fresh = op.Mul(op.Sigmoid(i!), op.Tanh(g!));
      const cell = c === null ? fresh : op.Add(op.Mul(op.Sigmoid(f!), c), fresh);
      return { h: op.Mul(op.Sigmoid(o!), op.Tanh(cell)), c: cell };
    },
  },
  GRU: {
    gates: 3,
    activations: [["sigmoid", "tanh"]],
    step(op, x, { h }, weights) {
      const { r, rb, hidden, resetAfter } = weights;
      const [xz, xr, xn] = parts(op, x, 3, hidden);
      // All three of the state, of which the last is not used where the reset gate acts before the product.
      const state = fromState(op, h, weights);
      const [hz, hr, hn] = state === null ? [null, null, null] : parts(op, state, 3, hidden);
      const z = op.Sigmoid(plus(op, xz!, hz!));
      const reset = op.Sigmoid(plus(op, xr!, hr!));
      const before = () => {
        const bias = rb === null ? null : cut(op, rb, 0, 2 * hidden, 3 * hidden);
        if (h === null) return bias;
        return plus(op, op.MatMul(op.Mul(reset, h), cut(op, r, 1, 2 * hidden, 3 * hidden)), bias);
      };
      const candidate = resetAfter ? (hn === null ? null : op.Mul(reset, hn!)) : before();
      const n = op.Tanh(plus(op, xn!, candidate));
      const kept = h === null ? op.Mul(z, n) : op.Mul(z, op.Sub(n, h));
      return { h: op.Sub(n, kept), c: null };
    },
  },
};

/**
 * Y, Y_h and Y_c of an `RNN`, `LSTM` or `GRU`, step by step. Null for what is left as it is: lengths that differ by sample, peepholes, clipping, batch-first layout,
 * other activations, and a number of steps that is not known before the run.
 */
export function unrolled(op: OpBuilder, node: Node): (Value | null)[] | null {
  const cell = CELLS[node.op]!;
  const [x, w, r, b = null, lengths = null, h0 = null, c0 = null, peepholes = null] = node.inputs;
  const steps = x?.shape?.[0];
  const hidden = node.int("hidden_size", 0);
  const direction = node.string("direction", "forward");
  const ways = direction === "bidirectional" ? ["forward", "reverse"] : [direction];
  const named = node.attributes.get("activations");
  const given = named?.type === "strings" ? named.value.map((name) => name.toLowerCase()) : null;
  const activations = cell.activations.find(
    (list) => given === null || ways.flatMap(() => list).join() === given.join(),
  );
  const isPlain = lengths === null && peepholes === null && node.int("layout", 0) === 0 && !node.attributes.has("clip");
  if (typeof steps !== "number" || steps < 1 || steps > MOST_STEPS || hidden < 1 || activations === undefined)
    return null;
  if (!isPlain || node.int("input_forget", 0) !== 0 || w == null || r == null) return null;

  const ends = ways.map((way, d) => {
    const own = (value: Value) => op.Squeeze(cut(op, value, 0, d, d + 1), int64Vector([0]));
    const size = cell.gates * hidden;
    const biases = b === null ? null : own(b);
    const weights: Weights = {
      r: op.Transpose(own(r), { perm: [1, 0] }),
      hidden,
      rb: biases === null ? null : cut(op, biases, 0, size, 2 * size),
      activation: activations[0]!,
      resetAfter: node.int("linear_before_reset", 0) !== 0,
    };
    const inputs = op.MatMul(x!, op.Transpose(own(w), { perm: [1, 0] }));
    const biased = plus(op, inputs, biases === null ? null : cut(op, biases, 0, 0, size));
    const each = op.node("Split", [biased, int64Vector(new Array(steps).fill(1))], { axis: 0 }, steps);
    let state: State = { h: h0 === null ? null : own(h0), c: c0 === null ? null : own(c0) };
    const order = way === "reverse" ? each.toReversed() : each;
    const states = order.map((one) => {
      state = cell.step(op, op.Squeeze(one, int64Vector([0])), state, weights);
      return state.h!;
    });
    const inTime = way === "reverse" ? states.toReversed() : states;
    return { y: stack(op, inTime, 0), ...state };
  });
  const c = ends.map((end) => end.c);
  return [
    stack(
      op,
      ends.map(({ y }) => y),
      1,
    ),
    stack(
      op,
      ends.map(({ h }) => h!),
      0,
    ),
    c[0] === null ? null : stack(op, c as Value[], 0),
  ];
}

/** What comes of the state, [N, gates * hidden] or its bias alone; null: nothing. */
function fromState(op: OpBuilder, h: Value | null, { r, rb }: Weights): Value | null {
  return h === null ? rb : plus(op, op.MatMul(h, r), rb);
}

function plus(op: OpBuilder, value: Value, other: Value | null): Value {
  return other === null ? value : op.Add(value, other);
}

/** So many equal parts of the last axis. */
function parts(op: OpBuilder, value: Value, count: number, size: number): Value[] {
  return op.node("Split", [value, int64Vector(new Array(count).fill(size))], { axis: -1 }, count);
}

function cut(op: OpBuilder, value: Value, axis: number, from: number, to: number): Value {
  return op.Slice(value, int64Vector([from]), int64Vector([to]), int64Vector([axis]));
}

/** Along a new axis. */
function stack(op: OpBuilder, values: readonly Value[], axis: number): Value {
  return op.Concat(...values.map((value) => op.Unsqueeze(value, int64Vector([axis]))), { axis });
}
