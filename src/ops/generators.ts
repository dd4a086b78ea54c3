import { constantOf } from "../graph/constant-node.ts";
import type { Node, ValueType } from "../graph/ir.ts";
import { type DType, sizeOf } from "../tensor/tensor.ts";
import { normalizeAxis } from "./axes.ts";
import { reference } from "./broadcast.ts";
import { defineOp, type OpDefinition } from "./define.ts";
import { holdSizes, knownInts, sizesHeld, typeOfInput } from "./dims.ts";
import { dtypeOfCode, referenceOf, storedAs } from "./dtypes.ts";

/** Operators that make values from constants, shapes or indices: nothing flows back through any of them. */

const constant = defineOp({
  type: "Constant",
  infer(node) {
    const value = constantOf(node);
    const output = node.outputs[0];
    // Known before the model runs: what is inferred after it may rely on it.
    if (value !== undefined && output !== undefined) output.constant = value;
    return [{ dtype: value?.dtype ?? null, shape: value?.dims ?? null }];
  },
  evaluate: (_, node) => [referenceOf(constantOf(node)!)],
  gradient: "discrete",
});

const constantOfShape = defineOp({
  type: "ConstantOfShape",
  infer(node) {
    const value = node.tensor("value");
    const shape = sizesHeld(node.inputs[0]);
    const dtype = value?.dtype ?? "float32";
    if (dtype === "int64" && shape?.length === 1 && typeof shape[0] === "number" && shape[0] < 64)
      holdSizes(node, new Array<number>(shape[0]).fill(Number((value!.data as BigInt64Array)[0])));
    return [{ dtype, shape }];
  },
  evaluate([shape], node) {
    const value = node.tensor("value");
    const fill = value === undefined ? reference([1], [0]) : referenceOf(value);
    const dims = Array.from(shape!.data);
    return [reference(dims, new Float64Array(sizeOf(dims)).fill(fill.data[0]), fill.dtype)];
  },
  gradient: "discrete",
});

/** Elements of Range: max(ceil((limit - start) / delta), 0). */
function rangeLength(start: number, limit: number, delta: number): number {
  return Math.max(Math.ceil((limit - start) / delta), 0);
}

const range = defineOp({
  type: "Range",
  infer(node) {
    const bounds = [0, 1, 2].map((i) => knownInts(node.inputs[i])?.[0]);
    const known = bounds.every((bound) => bound !== undefined);
    const [start, limit, delta] = bounds as number[];
    const count = known ? rangeLength(start, limit, delta) : null;
    return [{ dtype: typeOfInput(node, 0).dtype, shape: [count] }];
  },
  evaluate([start, limit, delta]) {
    const [first, step] = [start!.data[0], delta!.data[0]];
    const count = rangeLength(first, limit!.data[0], step);
    return [
      reference(
        [count],
        Float64Array.from({ length: count }, (_, i) => first + i * step),
        start!.dtype,
      ),
    ];
  },
  gradient: "discrete",
});

function eyeType(node: Node): DType | null {
  const code = node.int("dtype");
  return code === undefined ? typeOfInput(node, 0).dtype : dtypeOfCode(code);
}

const eyeLike = defineOp({
  type: "EyeLike",
  infer: (node) => [{ dtype: eyeType(node), shape: typeOfInput(node, 0).shape }],
  evaluate([x], node) {
    const [rows, columns] = x!.dims;
    const data = new Float64Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      const column = row + node.int("k", 0);
      if (column >= 0 && column < columns) data[row * columns + column] = 1;
    }
    const code = node.int("dtype");
    return [reference([rows, columns], data, code === undefined ? x!.dtype : storedAs(dtypeOfCode(code) ?? "float32"))];
  },
  gradient: "discrete",
});

/** Rank of the output is one more than that of the indices; the classes lie at `axis`. */
function inferOneHot(node: Node): readonly ValueType[] {
  const { shape } = typeOfInput(node, 0);
  const depth = knownInts(node.inputs[1])?.[0] ?? null;
  const { dtype } = typeOfInput(node, 2);
  if (shape === null) return [{ dtype, shape: null }];
  const axis = normalizeAxis(node.int("axis", -1), shape.length + 1, node);
  return [{ dtype, shape: shape.toSpliced(axis, 0, depth) }];
}

const oneHot = defineOp({
  type: "OneHot",
  infer: inferOneHot,
  evaluate([indices, depth, values], node) {
    const classes = depth!.data[0];
    const [off, on] = values!.data;
    const axis = normalizeAxis(node.int("axis", -1), indices!.dims.length + 1, node);
    const dims = indices!.dims.toSpliced(axis, 0, classes);
    const inner = sizeOf(indices!.dims.slice(axis));
    const data = new Float64Array(sizeOf(dims)).fill(off);
    indices!.data.forEach((index, i) => {
      const at = index < 0 ? index + classes : index;
      if (at < 0 || at >= classes) return;
      data[(Math.floor(i / inner) * classes + at) * inner + (i % inner)] = on;
    });
    return [reference(dims, data, values!.dtype)];
  },
  // `values` could be differentiated in principle; no classifier learns or perturbs them.
  gradient: "discrete",
});

export const generatorsOperators: readonly OpDefinition[] = [constant, constantOfShape, range, eyeLike, oneHot];
