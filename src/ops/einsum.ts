import { BlindspotError } from "../base/errors.ts";
import type { Dim, Node, Shape } from "../graph/ir.ts";
import { int64Vector, sizeOf, stridesOf } from "../tensor/tensor.ts";
import { reference } from "./broadcast.ts";
import { defineOp, type Reference } from "./define.ts";
import { requireRank, typeOfInput } from "./dims.ts";
import { expandLike } from "./emit.ts";

/** One letter per axis of each operand and of the result. */
interface Equation {
  readonly operands: readonly string[];
  readonly result: string;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

function invalid(node: Node, expected: string): BlindspotError {
  const equation = node.string("equation", "");
  return new BlindspotError({
    code: "E_OP_ATTRIBUTE",
    subject: node.describe(),
    where: "equation",
    expected,
    got: equation,
  });
}

/** Reads the equation; an ellipsis becomes letters of its own, aligned from the right, and a missing result is the implicit one. */
function parseEquation(node: Node, operandRanks: readonly number[]): Equation {
  const equation = node.string("equation", "").replaceAll(" ", "");
  const [left, right] = equation.split("->");
  const terms = left.split(",");
  if (terms.length !== operandRanks.length) throw invalid(node, `${operandRanks.length} operands`);
  const free = [...LETTERS].filter((letter) => !equation.includes(letter));
  const hidden = terms.map((term, i) => (term.includes("...") ? operandRanks[i] - term.length + 3 : 0));
  const ellipsis = free.slice(0, Math.max(0, ...hidden)).join("");
  const operands = terms.map((term, i) =>
    term.replace("...", ellipsis.slice(ellipsis.length - Math.max(hidden[i], 0))),
  );
  operands.forEach((operand, i) => {
    if (operand.length !== operandRanks[i]) throw invalid(node, `${operandRanks[i]} subscripts for operand ${i}`);
  });
  if (right !== undefined) return { operands, result: right.replace("...", ellipsis) };
  const once = [...LETTERS].sort().filter((letter) => left.split(letter).length === 2);
  return { operands, result: ellipsis + once.join("") };
}

/** The size of each letter. A size of 1 (of an ellipsis) broadcasts. */
function letterSizes(operands: readonly string[], shapes: readonly Shape[]): Map<string, Dim> {
  const sizes = new Map<string, Dim>();
  operands.forEach((operand, i) => {
    [...operand].forEach((letter, axis) => {
      const known = sizes.get(letter);
      if (known === undefined || known === 1 || known === null) sizes.set(letter, shapes[i][axis]);
    });
  });
  return sizes;
}

/** The sum over all letters that are not in the result, of the product of the operands' elements. */
function contract({ operands, result }: Equation, refs: readonly Reference[]): Reference {
  const sizes = letterSizes(
    operands,
    refs.map((ref) => ref.dims),
  ) as Map<string, number>;
  const summed = [...sizes.keys()].filter((letter) => !result.includes(letter));
  const letters = [...result, ...summed];
  const counts = letters.map((letter) => sizes.get(letter)!);
  const strides = operands.map((operand, i) => {
    const steps = stridesOf(refs[i].dims);
    // A letter that occurs twice in one operand walks its diagonal: both strides together.
    return letters.map((letter) =>
      [...operand].reduce((sum, l, axis) => (l === letter && refs[i].dims[axis] > 1 ? sum + steps[axis] : sum), 0),
    );
  });
  const dims = [...result].map((letter) => sizes.get(letter)!);
  const data = new Float64Array(sizeOf(dims));
  const inner = sizeOf(counts.slice(dims.length));
  const counter = new Int32Array(letters.length);
  for (let index = 0; index < data.length * inner; index++) {
    let product = 1;
    for (let i = 0; i < refs.length; i++) {
      let offset = 0;
      for (let j = 0; j < letters.length; j++) offset += counter[j] * strides[i][j];
      product *= refs[i].data[offset];
    }
    data[Math.floor(index / inner)] += product;
    for (let j = letters.length - 1; j >= 0 && ++counter[j] === counts[j]; j--) counter[j] = 0;
  }
  return reference(dims, data, refs[0].dtype);
}

/**
 * y = einsum("A,B->Y", a, b): da = einsum("Y,B->A", dy, b). Letters that only A has were summed over, so that da is repeated along them.
 * An operand with a letter twice (a diagonal) has no rule.
 */
export const einsum = defineOp({
  type: "Einsum",
  infer: (node) => {
    const shapes = node.inputs.map((input) => input?.shape ?? null);
    const { dtype } = typeOfInput(node, 0);
    const known = shapes.filter((shape) => shape !== null);
    if (known.length < shapes.length) return [{ dtype, shape: null }];
    const ranks = known.map((shape) => shape.length);
    const { operands, result } = parseEquation(node, ranks);
    const sizes = letterSizes(operands, known);
    return [{ dtype, shape: [...result].map((letter) => sizes.get(letter) ?? null) }];
  },
  evaluate: (inputs, node) => {
    const refs = inputs.map((input) => input!);
    const ranks = refs.map((ref) => ref.dims.length);
    return [contract(parseEquation(node, ranks), refs)];
  },
  gradient: ({ op, node, inputs, cotangents: [dy], needs }) => {
    const { operands, result } = parseEquation(
      node,
      inputs.map((_, i) => requireRank(node, i)),
    );
    return operands.map((operand, i) => {
      if (!needs(i)) return null;
      if (new Set(operand).size < operand.length) throw invalid(node, "each letter at most once in an operand");
      const others = operands.filter((_, j) => j !== i);
      const available = `${result}${others.join("")}`;
      const present = [...operand].filter((letter) => available.includes(letter));
      const equation = `${[result, ...others].join(",")}->${present.join("")}`;
      const values = inputs.filter((_, j) => j !== i);
      const partial = op.Einsum(dy!, ...values, { equation });
      if (present.length === operand.length) return partial;
      const missing = Array.from(operand, (_, axis) => axis).filter((axis) => !available.includes(operand[axis]));
      return expandLike(op, op.Unsqueeze(partial, int64Vector(missing)), inputs[i]!);
    });
  },
  examples: [
    {
      inputs: [
        [2, 3],
        [3, 4],
      ],
      attributes: { equation: "ij,jk->ik" },
    },
    {
      inputs: [
        [2, 3, 4],
        [2, 5, 4],
      ],
      attributes: { equation: "bij, bkj -> bik" },
    },
    {
      inputs: [
        [2, 3],
        [3, 4],
      ],
      attributes: { equation: "ij,jk" },
    },
    { inputs: [[2, 3, 4]], attributes: { equation: "ijk->ki" } },
    { inputs: [[3], [4]], attributes: { equation: "i,j->ij" } },
    {
      inputs: [
        [2, 2, 3],
        [3, 4],
      ],
      attributes: { equation: "...ij,jk->...ik" },
    },
    { inputs: [[2, 3], [3], [2]], attributes: { equation: "ij,j,i->j" } },
  ],
});
