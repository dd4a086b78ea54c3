import { BlindspotError, type Problem } from "../base/errors.ts";
import type { Rng } from "../base/rng.ts";
import type { Model, Node, Value } from "../graph/ir.ts";
import { float32, sizeOf, type Tensor } from "../tensor/tensor.ts";

const product = (dims: readonly number[]): number => dims.reduce((size, dim) => size * dim, 1);

/** Inputs that one output of a layer sums, by the dims of its weights (input 1): what He's variance is about. */
const FAN_IN: Readonly<Record<string, (dims: readonly number[], node: Node) => number>> = {
  Conv: (dims) => product(dims.slice(1)),
  // [C, M/group, ...kernel]: each output sums the channels of its group, under about as many kernel elements as strides leave it.
  ConvTranspose: (dims, node) =>
    (dims[0]! / node.int("group", 1)) * Math.max(1, product(dims.slice(2)) / product(node.ints("strides") ?? [])),
  Gemm: (dims, node) => dims[node.int("transB", 0)]!,
  MatMul: (dims) => dims.at(-2)!,
};
/** Operators that multiply by their input 1: a factor of 1 changes nothing. */
const SCALES = new Set([
  "BatchNormalization",
  "InstanceNormalization",
  "LayerNormalization",
  "GroupNormalization",
  "Mul",
  "Div",
]);

/**
 * Fresh weights for the named initializers, to train a model from scratch. Layers: normal with variance 2 / inputs (He et al. 2015, arXiv
 * 1502.01852); scales of normalizations 1; running means 0 and variances 1; everything that is added 0. Each weight's numbers depend
 * on the stream and its name only.
 *
 * Throws E_REINITIALIZE, naming all weights whose use says nothing about how they begin (recurrent layers, embeddings).
 */
export function initialWeights(model: Model, names: readonly string[], rng: Rng): Record<string, Tensor> {
  const problems: Problem[] = [];
  const weights: Record<string, Tensor> = {};
  for (const name of names) {
    const use = firstUse(model, name);
    const drawn = use && begin(use.value.constant!.dims, use.node, use.input, rng.fold(name));
    if (drawn) weights[name] = drawn;
    else
      problems.push({
        code: "E_REINITIALIZE",
        subject: `weight '${name}'`,
        expected: "a weight of a convolution, a dense layer or a normalization",
        got: use === null ? "no use of it" : `input ${use.input} of ${use.node.describe()}`,
        hint: "Leave it as it is with --freeze, or start from the file's weights",
      });
  }
  if (problems.length > 0) throw new BlindspotError(problems);
  return weights;
}

interface Use {
  readonly node: Node;
  readonly input: number;
  readonly value: Value;
}

/** The first node that a weight enters. */
function firstUse({ graph }: Model, name: string): Use | null {
  const weight = graph.initializers.find((value) => value.name === name);
  if (weight === undefined) return null;
  for (const node of graph.nodes) {
    const input = node.inputs.indexOf(weight);
    if (input >= 0) return { node, input, value: weight };
  }
  return null;
}

function begin(dims: readonly number[], node: Node, input: number, rng: Rng): Tensor | null {
  const filled = (value: number) => float32(dims, new Float32Array(sizeOf(dims)).fill(value));
  if (node.domain !== "") return null;
  if (SCALES.has(node.op) && input === 1) return filled(1);
  if (node.op === "BatchNormalization") return filled(input === 4 ? 1 : 0);
  if (node.op === "Transpose" && dims.length === 2) return normal(dims, dims[1]!, rng);
  const fanIn = FAN_IN[node.op];
  if (fanIn !== undefined && input === 1) return normal(dims, fanIn(dims, node), rng);
  const added = input === 2 || node.op === "Add" || node.op === "Sub" || SCALES.has(node.op);
  return added ? filled(0) : null;
}

function normal(dims: readonly number[], inputs: number, rng: Rng): Tensor {
  const data = new Float32Array(sizeOf(dims));
  const deviation = Math.sqrt(2 / inputs);
  for (let i = 0; i < data.length; i++) data[i] = deviation * rng.normal();
  return float32(dims, data);
}
