import { BlindspotError } from "../base/errors.ts";
import type { OpBuilder } from "../graph/builder.ts";
import type { Node, Value } from "../graph/ir.ts";
import { isFloat, toNumbers } from "../tensor/tensor.ts";
import { mapBroadcast, reference } from "./broadcast.ts";
import { defineOp, type Example, type OpDefinition, type Reference } from "./define.ts";
import { typeOfInput } from "./dims.ts";
import { castLike, convert, dtypeOfCode } from "./dtypes.ts";
import { elementaryFunctions } from "./functions.ts";
import { broadcastInputs, pairs, unary, within } from "./pointwise.ts";

interface BinaryContext {
  readonly op: OpBuilder;
  readonly dy: Value;
  readonly a: Value;
  readonly b: Value;
  readonly y: Value;
}

interface Binary {
  readonly type: string;
  readonly f: (a: number, b: number, node: Node, dtype: Reference["dtype"]) => number;
  readonly da: (context: BinaryContext) => Value;
  readonly db: (context: BinaryContext) => Value;
  readonly examples: readonly Example[];
}

/** A function of two operands broadcast together. The result has the type of the first. */
function binary({ type, f, da, db, examples }: Binary): OpDefinition {
  return defineOp({
    type,
    infer: (node) => [{ dtype: typeOfInput(node, 0).dtype, shape: broadcastInputs(node) }],
    evaluate: ([a, b], node) => {
      const { dtype } = a!;
      return [
        convert(
          mapBroadcast((p, q) => f(p, q, node, dtype), a!, b!),
          dtype,
        ),
      ];
    },
    gradient: ({ op, inputs: [a, b], outputs: [y], cotangents: [dy], needs }) => {
      const context = { op, dy: dy!, a: a!, b: b!, y };
      return [needs(0) ? da(context) : null, needs(1) ? db(context) : null];
    },
    examples,
  });
}

/** Integers divide toward zero; by zero there is no right answer, so keep it finite. */
function divide(a: number, b: number, _node: Node, dtype: Reference["dtype"]): number {
  if (isFloat(dtype)) return a / b;
  return b === 0 ? 0 : Math.trunc(a / b);
}

/** fmod = 1: the sign of the dividend (C); else the sign of the divisor (Python). */
function modulo(a: number, b: number, node: Node): number {
  const remainder = a % b;
  return node.int("fmod", 0) === 1 || remainder === 0 || remainder < 0 === b < 0 ? remainder : remainder + b;
}

/** The value of a constant with one element, or null. */
function constantScalar(value: Value): number | null {
  return value.constant?.data.length === 1 ? toNumbers(value.constant)[0] : null;
}

const arithmetic: readonly OpDefinition[] = [
  // y = a + b: da = dy, db = dy
  binary({
    type: "Add",
    f: (a, b) => a + b,
    da: ({ dy }) => dy,
    db: ({ dy }) => dy,
    examples: pairs([-1, 1], [-1, 1]),
  }),
  // y = a - b: da = dy, db = -dy
  binary({
    type: "Sub",
    f: (a, b) => a - b,
    da: ({ dy }) => dy,
    db: ({ op, dy }) => op.Neg(dy),
    examples: pairs([-1, 1], [-1, 1]),
  }),
  // y = a b: da = dy b, db = dy a
  binary({
    type: "Mul",
    f: (a, b) => a * b,
    da: ({ op, dy, b }) => op.Mul(dy, b),
    db: ({ op, dy, a }) => op.Mul(dy, a),
    examples: pairs([-1, 1], [-1, 1]),
  }),
  // y = a / b: da = dy / b, db = -dy y / b
  binary({
    type: "Div",
    f: divide,
    da: ({ op, dy, b }) => op.Div(dy, b),
    db: ({ op, dy, b, y }) => op.Neg(op.Div(op.Mul(dy, y), b)),
    examples: [...pairs([-1, 1], [0.5, 2]), ...pairs([-1, 1], [-2, -0.5])],
  }),
  // y = a - b trunc(a / b) (fmod): da = dy, db = -dy (a - y) / b, where (a - y) / b is the whole number trunc(a / b)
  binary({
    type: "Mod",
    f: modulo,
    da: ({ dy }) => dy,
    db: ({ op, dy, a, b, y }) => op.Neg(op.Mul(dy, op.Div(op.Sub(a, y), b))),
    examples: [
      { inputs: [within(2.2, 2.8, 2, 3), within(0.9, 1, 3)], attributes: { fmod: 1 } },
      { inputs: [within(-2.8, -2.2, 3), within(0.9, 1, 2, 1)], attributes: { fmod: 1 } },
    ],
  }),
];

/**
 * y = a^b: da = dy b a^(b-1), db = dy y log a. As in PyTorch da is 0 where b is 0, and db is 0 where a is not positive.
 * The exponent may have another element type than the base.
 */
const pow = defineOp({
  type: "Pow",
  infer: (node) => [{ dtype: typeOfInput(node, 0).dtype, shape: broadcastInputs(node) }],
  evaluate: ([a, b]) => [convert(mapBroadcast(Math.pow, a!, b!), a!.dtype)],
  gradient: ({ op, inputs, outputs: [y], cotangents, needs }) => {
    const [a, dy] = [inputs[0]!, cotangents[0]!];
    const exponent = constantScalar(inputs[1]!);
    if (exponent === 2 && !needs(1)) return [op.Mul(dy, op.Mul(a, op.scalarLike(a, 2))), null];
    const b = inputs[1]!.dtype === a.dtype ? inputs[1]! : castLike(op, inputs[1]!, a);
    const zero = op.scalarLike(a, 0);
    const baseGradient = (): Value => {
      const derivative = op.Mul(b, op.Pow(a, op.Sub(b, op.scalarLike(a, 1))));
      const safe = exponent !== null && exponent !== 0 ? derivative : op.Where(op.Equal(b, zero), zero, derivative);
      const product = op.Mul(dy, safe);
      if (exponent !== null) return product;
      // A root of a negative number that is put aside later, as scikit-learn's PowerTransformer does, must not make NaN of everything.
      const none = op.scalarLike(dy, 0);
      return op.Where(op.Equal(dy, none), none, product);
    };
    const exponentGradient = (): Value => {
      const positive = op.Greater(a, zero);
      return op.Mul(op.Mul(dy, y), op.Log(op.Where(positive, a, op.scalarLike(a, 1))));
    };
    return [needs(0) ? baseGradient() : null, needs(1) ? exponentGradient() : null];
  },
  examples: [
    ...pairs([0.5, 2], [-2, 3]),
    { inputs: [within(-2, -0.5, 2, 3), { dtype: "float32", dims: [], values: [2] }] },
    { inputs: [within(-2, -0.5, 2, 3), { dtype: "int64", dims: [], values: [3] }] },
    { inputs: [within(0.5, 2, 4), { dtype: "float32", dims: [4], values: [0, 1, 2, -0.5] }] },
  ],
});

/** Examples for operators with any number of operands. */
const variadicExamples: readonly Example[] = [
  { inputs: [[3]] },
  { inputs: [[2, 3], [3]] },
  {
    inputs: [
      [2, 1],
      [1, 3],
      [2, 2, 3],
    ],
  },
];

/** Largest or smallest of any number of operands: dx_i = dy [x_i = y] / (number of operands equal to y), so ties share, as in PyTorch. */
function extremum(type: string, f: (...values: number[]) => number): OpDefinition {
  return defineOp({
    type,
    infer: (node) => [{ dtype: typeOfInput(node, 0).dtype, shape: broadcastInputs(node) }],
    evaluate: (inputs) => [mapBroadcast(f, ...inputs.map((input) => input!))],
    gradient: ({ op, inputs, outputs: [y], cotangents: [dy], needs }) => {
      if (inputs.length === 1) return [dy];
      const masks = inputs.map((x) => castLike(op, op.Equal(x!, y), dy!));
      const share = op.Div(dy!, op.Sum(...masks));
      return masks.map((mask, i) => (needs(i) ? op.Mul(share, mask) : null));
    },
    examples: variadicExamples,
  });
}

const variadic: readonly OpDefinition[] = [
  extremum("Max", Math.max),
  extremum("Min", Math.min),
  // y = x_1 + .. + x_n: dx_i = dy
  defineOp({
    type: "Sum",
    infer: (node) => [{ dtype: typeOfInput(node, 0).dtype, shape: broadcastInputs(node) }],
    evaluate: (inputs) => [mapBroadcast((...values) => values.reduce((a, b) => a + b), ...inputs.map((x) => x!))],
    gradient: ({ inputs, cotangents: [dy] }) => inputs.map(() => dy),
    examples: variadicExamples,
  }),
  // y = (x_1 + .. + x_n) / n: dx_i = dy / n
  defineOp({
    type: "Mean",
    infer: (node) => [{ dtype: typeOfInput(node, 0).dtype, shape: broadcastInputs(node) }],
    evaluate: (inputs) => [
      mapBroadcast((...values) => values.reduce((a, b) => a + b) / values.length, ...inputs.map((x) => x!)),
    ],
    gradient: ({ op, inputs, cotangents: [dy] }) => {
      const share = op.Div(dy!, op.scalarLike(dy!, inputs.length));
      return inputs.map(() => share);
    },
    examples: variadicExamples,
  }),
];

/** Bounds of Clip: inputs from opset 11, attributes before. */
function clipBounds([, low, high]: readonly (Reference | null)[], node: Node): [number, number] {
  return [low?.data[0] ?? node.float("min", -Infinity), high?.data[0] ?? node.float("max", Infinity)];
}

const selection: readonly OpDefinition[] = [
  // dx = dy [low <= x <= high], which is [x = y]; dlow = dy [x < low]; dhigh = dy [x > high] (torch.clamp: the bounds belong to x)
  defineOp({
    type: "Clip",
    infer: (node) => [typeOfInput(node, 0)],
    evaluate: (inputs, node) => {
      const [low, high] = clipBounds(inputs, node);
      return [mapBroadcast((x) => Math.min(Math.max(x, low), high), inputs[0]!)];
    },
    gradient: ({ op, inputs: [x, low, high], outputs: [y], cotangents: [dy], needs }) => {
      const where = (mask: Value): Value => op.Mul(dy!, castLike(op, mask, dy!));
      return [
        needs(0) ? where(op.Equal(x!, y)) : null,
        low && needs(1) ? where(op.Less(x!, low)) : null,
        high && needs(2) ? where(op.Greater(x!, high)) : null,
      ];
    },
    examples: [
      { inputs: [within(-2, 2, 3, 4), within(-0.6, -0.4), within(0.4, 0.6)] },
      { inputs: [within(-2, 2, 5), null, within(0.4, 0.6)] },
      { inputs: [within(-2, 2, 5), within(-0.6, -0.4)] },
      { inputs: [[2, 2]] },
    ],
  }),
  // y = c ? a : b: da = c ? dy : 0, db = c ? 0 : dy
  defineOp({
    type: "Where",
    infer: (node) => [{ dtype: typeOfInput(node, 1).dtype, shape: broadcastInputs(node) }],
    evaluate: ([condition, a, b]) => [
      { ...mapBroadcast((c, p, q) => (c === 0 ? q : p), condition!, a!, b!), dtype: a!.dtype },
    ],
    gradient: ({ op, inputs: [condition], cotangents: [dy], needs }) => {
      const zero = op.scalarLike(dy!, 0);
      return [
        null,
        needs(1) ? op.Where(condition!, dy!, zero) : null,
        needs(2) ? op.Where(condition!, zero, dy!) : null,
      ];
    },
    examples: [
      { inputs: [{ dtype: "bool", dims: [2, 2], values: [1, 0, 0, 1] }, [2, 2], [2, 2]] },
      { inputs: [{ dtype: "bool", dims: [2, 1], values: [1, 0] }, [3], []] },
      { inputs: [{ dtype: "bool", dims: [], values: [0] }, [2], [3, 1]] },
    ],
  }),
];

/** Whether a Dropout drops: false where its third input is absent or the constant false, null where that is decided at run time. */
function isTraining(node: Node): boolean | null {
  const mode = node.inputs[2];
  if (mode === null || mode === undefined) return false;
  return mode.constant === null ? null : toNumbers(mode.constant)[0] !== 0;
}

const passing: readonly OpDefinition[] = [
  unary({ type: "Identity", f: (x) => x, dx: ({ dy }) => dy }),
  // Inference: y = x, dx = dy. Training: y = x mask / (1 - ratio), dx = dy mask / (1 - ratio).
  defineOp({
    type: "Dropout",
    infer: (node) => [typeOfInput(node, 0), { dtype: "bool", shape: typeOfInput(node, 0).shape }],
    evaluate: ([x, ratio, training], node) => {
      if (training?.data[0] && (ratio?.data[0] ?? 0.5) !== 0)
        throw new BlindspotError({
          code: "E_OP_RANDOM",
          subject: node.describe(),
          expected: "inference mode: the reference draws no random numbers",
        });
      return [x!, reference(x!.dims, new Float64Array(x!.data.length).fill(1), "bool")];
    },
    gradient: ({ op, node, inputs: [, ratio], outputs: [, mask], cotangents: [dy] }) => {
      if (isTraining(node) === false) return [dy, null, null];
      if (isTraining(node) === null || mask === undefined)
        throw new BlindspotError({
          code: "E_OP_NO_GRADIENT",
          subject: node.describe(),
          expected: "inference mode, or the constant training mode with the mask as second output",
          hint: "Export the model in evaluation mode.",
        });
      const keep = op.Sub(op.scalarLike(dy!, 1), ratio ? castLike(op, ratio, dy!) : op.scalarLike(dy!, 0.5));
      return [op.Div(op.Mul(dy!, castLike(op, mask, dy!)), keep), null, null];
    },
    examples: [
      { inputs: [[2, 3]] },
      {
        inputs: [[4], { dtype: "float32", dims: [], values: [0.3] }, { dtype: "bool", dims: [], values: [0] }],
        outputs: 2,
      },
      {
        inputs: [[4], { dtype: "float32", dims: [], values: [0] }, { dtype: "bool", dims: [], values: [1] }],
        outputs: 2,
      },
    ],
  }),
  // Between float types dx = dy, cast back. To integers nothing flows; the engine asks for no cotangent there.
  defineOp({
    type: "Cast",
    infer: (node) => [{ dtype: dtypeOfCode(node.int("to", 0)), shape: typeOfInput(node, 0).shape }],
    evaluate: ([x], node) => {
      const dtype = dtypeOfCode(node.int("to", 0));
      if (dtype === null || dtype === "string" || x!.dtype === "string")
        throw new BlindspotError({
          code: "E_OP_TYPE",
          subject: node.describe(),
          expected: "a cast between numbers and booleans",
          got: `type code ${node.int("to", 0)}`,
        });
      return [convert(x!, dtype)];
    },
    gradient: ({ op, inputs: [x], cotangents: [dy] }) => [isFloat(x!.dtype) ? castLike(op, dy!, x!) : null],
    examples: [
      { inputs: [[2, 3]], attributes: { to: 1 } },
      { inputs: [[3]], attributes: { to: 11 } },
    ],
  }),
  defineOp({
    type: "CastLike",
    infer: (node) => [{ dtype: typeOfInput(node, 1).dtype, shape: typeOfInput(node, 0).shape }],
    evaluate: ([x, like]) => [convert(x!, like!.dtype)],
    gradient: ({ op, inputs: [x], cotangents: [dy] }) => [isFloat(x!.dtype) ? castLike(op, dy!, x!) : null, null],
    examples: [{ inputs: [[2, 3], { dtype: "float32", dims: [1], values: [0] }] }],
  }),
];

export const elementwiseOperators: readonly OpDefinition[] = [
  ...arithmetic,
  pow,
  ...variadic,
  ...elementaryFunctions,
  ...selection,
  ...passing,
];
