import { Rng } from "../../base/rng.ts";
import type { Model } from "../../graph/ir.ts";
import type { RowSpace } from "../../inputs/row/row-space.ts";
import { sizeOf } from "../../tensor/tensor.ts";
import { type Arrangement, toModelOrder } from "../arrangement.ts";
import type { ScoreMeaning } from "../classifier.ts";
import { type Preprocessing, toModelUnits, type Units } from "../preprocessing.ts";
import type { ScoreHead } from "../score-head.ts";
import type { TreeColumn } from "./columns.ts";
import { type Tree, type TreeEnsemble, treeEnsemble } from "./ensemble.ts";
import {
  type Comparison,
  type FileSplit,
  type FileTrees,
  MOST_NODES,
  readTrees,
  TreeProblem,
  treesBehind,
} from "./read.ts";

type NumberColumn = Extract<TreeColumn, { kind: "number" }>;

export interface OpenedTrees {
  readonly trees: TreeEnsemble;
  /** What the model's scores are: known from the weights of its leaves. */
  readonly meaning: ScoreMeaning;
}

export interface TreesOptions {
  readonly model: Model;
  readonly head: ScoreHead;
  readonly arrangement: Arrangement;
  readonly preprocessing: Preprocessing;
  /** What rows of a table are: between the values of a category there is nothing. */
  readonly rows?: RowSpace | undefined;
  /** The scores that the file gives for a row of attack space, alone. */
  scores(row: Float32Array): Promise<Float32Array>;
}

/** Rows on which our reading of the trees must agree with the model's own answers: on both sides of cuts. */
const TEST_ROWS = 64;
const DEEPEST = 500;
/** Of the scores: models may add up in float32. */
const AGREEMENT = 1e-4;

/**
 * The trees of a model whose scores are those of one ensemble, in attack space; null for any other model. A string says why they can't be
 * used though they are there.
 */
export async function openTrees(options: TreesOptions): Promise<OpenedTrees | string | null> {
  const { model, head } = options;
  const found = treesBehind(model, head.logits, sizeOf(options.arrangement.dims));
  if (found === null || (head.kind !== "scores" && head.kind !== "binary-logit")) return null;
  try {
    const file = readTrees(found.node);
    const convert = intoAttackSpace(file, head.classes, options, found.columns);
    const trees = treeEnsemble(file.roots.map(convert), baseOf(file));
    const problem = await disagreement(trees, file, options);
    return problem ?? { trees, meaning: meaningOf(file, trees) };
  } catch (error) {
    if (error instanceof TreeProblem) return error.message;
    throw error;
  }
}

/** One score s is the logits [0, s], or [1/2, s] where it is the share of class 1. */
function baseOf({ targets, base, oneScore }: FileTrees): Float64Array {
  if (targets > 1) return Float64Array.from({ length: targets }, (_, c) => base[c] ?? 0);
  return Float64Array.of(oneScore === "share" ? 0.5 : 0, base[0] ?? 0);
}

function meaningOf(
  { oneScore, postTransform, targets }: FileTrees,
  { trees, base, classes }: TreeEnsemble,
): ScoreMeaning {
  if (oneScore === "share" || postTransform === "SOFTMAX") return "probabilities";
  if (postTransform === "LOGISTIC") return targets === 1 ? "probabilities" : "independent-probabilities";
  if (targets === 1) return "logits";
  // Shares of one whole, whatever leaf is reached in each tree.
  let whole = base.reduce((sum, value) => sum + value, 0);
  for (const { feature, weights } of trees) {
    const leaves = [...feature.keys()].filter((node) => feature[node]! < 0);
    const sums = leaves.map((leaf) =>
      weights.subarray(leaf * classes, (leaf + 1) * classes).reduce((a, b) => a + b, 0),
    );
    if (weights.some((weight) => weight < 0) || sums.some((sum) => Math.abs(sum - sums[0]!) > 1e-5)) return "logits";
    whole += sums[0]!;
  }
  return Math.abs(whole - 1) < 1e-4 ? "probabilities" : "logits";
}

/** Turns the tree at a root of the file into one of attack space. Throws `TreeProblem`. */
export function intoAttackSpace(
  file: FileTrees,
  classes: number,
  { model, arrangement, preprocessing }: Pick<TreesOptions, "model" | "arrangement" | "preprocessing">,
  columns: readonly TreeColumn[] = plainColumns(sizeOf(arrangement.dims)),
): (root: number) => Tree {
  if (file.targets !== classes && !(file.targets === 1 && classes === 2))
    throw new TreeProblem(`${file.targets} targets for ${classes} classes`);
  if (
    !["NONE", "LOGISTIC", "SOFTMAX"].includes(file.postTransform) ||
    (file.targets === 1 && file.oneScore === null && file.postTransform !== "NONE")
  )
    throw new TreeProblem(`post_transform ${file.postTransform}`);
  const { units, reverseChannels } = preprocessing;
  if (units.kind === "normalize" && units.std.some((std) => std < 0)) throw new TreeProblem("a negative --std");
  const last = arrangement.dims.at(-1)!;
  const size = sizeOf(arrangement.dims);
  // Which coordinate of a row each feature of the file is.
  const order = toModelOrder(
    Float32Array.from({ length: size }, (_, i) => i),
    arrangement,
    reverseChannels,
  );
  const dtype = model.graph.inputs[0]!.dtype;
  const whole = dtype !== "float32" && dtype !== "float64";
  const valueAt = (source: number, x: number): number => {
    const value = toModelUnits(Float32Array.of(x), unitsOf(units, order[source]! % last), 1)[0]!;
    return whole ? Math.round(value) : value;
  };
  let nodes = 0;
  const cuts = new Map<string, number>();
  /** Where a number, after these steps, comes to a value, or above it. */
  const cutOf = (feature: number, { source, steps }: NumberColumn, comparison: "<" | "<=", value: number): number => {
    const key = `${feature} ${comparison} ${value}`;
    const above = (x: number) => {
      const v = steps.reduce((current, step) => step(current), valueAt(source, x));
      return comparison === "<" ? v >= value : v > value;
    };
    const cut = cuts.get(key) ?? firstFloat(above);
    cuts.set(key, cut);
    return cut;
  };
  return (root) => {
    const parts = { feature: [] as number[], cut: [] as number[], below: [] as number[], above: [] as number[] };
    const leaves: [number, (readonly [number, number])[]][] = [];
    const open = new Set<number>();
    const add = (feature: number, cut: number): number => {
      if (++nodes > MOST_NODES) throw new TreeProblem(`more than ${MOST_NODES} nodes`);
      parts.below.push(-1);
      parts.above.push(-1);
      parts.cut.push(cut);
      return parts.feature.push(feature) - 1;
    };
    const split = (coordinate: number, cut: number, below: number, above: number): number => {
      const node = add(coordinate, cut);
      parts.below[node] = place(below);
      parts.above[node] = place(above);
      return node;
    };
    const place = (index: number): number => {
      const node = file.nodes[index]!;
      if (node.kind === "leaf") {
        const leaf = add(-1, 0);
        leaves.push([leaf, [...node.weights]]);
        return leaf;
      }
      if (open.has(index)) throw new TreeProblem("a tree that contains itself");
      if (open.size >= DEEPEST) throw new TreeProblem(`a tree deeper than ${DEEPEST}`);
      open.add(index);
      const column = columns[node.feature];
      if (column === undefined) throw new TreeProblem(`feature ${node.feature} of ${columns.length}`);
      if (column === null) throw new TreeProblem(`feature ${node.feature} is no number of the input`);
      const placed = column.kind === "number" ? placeSplit(column, node) : placeSides(column, node);
      open.delete(index);
      return placed;
    };
    const placeSplit = (column: NumberColumn, { feature, comparison, value, yes, no }: FileSplit): number => {
      const coordinate = order[column.source];
      if (coordinate === undefined) throw new TreeProblem(`feature ${feature} of ${size}`);
      const [first, negated] = NORMAL[comparison];
      if (first !== "==")
        return split(coordinate, cutOf(feature, column, first, value), negated ? no : yes, negated ? yes : no);
      // Equal: not below, and not above.
      const [equal, other] = negated ? [no, yes] : [yes, no];
      const node = add(coordinate, cutOf(feature, column, "<", value));
      parts.below[node] = place(other);
      parts.above[node] = split(coordinate, cutOf(feature, column, "<=", value), equal, other);
      return node;
    };
    /** Of a constant one side; of a table one side after the other, as its codes go up. */
    const placeSides = (
      column: Exclude<NonNullable<TreeColumn>, NumberColumn>,
      { feature, comparison, value, yes, no }: FileSplit,
    ): number => {
      const values = column.kind === "constant" ? [column.value] : column.values;
      const sides = values.map((one) => (holds(one, comparison, value) ? yes : no));
      const sidesFrom = (from: number): number => {
        const next = sides.findIndex((side, i) => i > from && side !== sides[from]);
        if (next < 0 || column.kind === "constant") return place(sides[from]!);
        const number = { kind: "number" as const, source: column.source, steps: [] };
        const node = add(order[column.source]!, cutOf(-1 - feature, number, "<", column.codes[next]!));
        parts.below[node] = place(sides[from]!);
        parts.above[node] = sidesFrom(next);
        return node;
      };
      return sidesFrom(0);
    };
    if (place(root) !== 0) throw new TreeProblem("a root without a place");
    const weights = new Float64Array(parts.feature.length * classes);
    for (const [leaf, gains] of leaves)
      for (const [target, weight] of gains) {
        if (!(target >= 0 && target < file.targets)) throw new TreeProblem(`target ${target} of ${file.targets}`);
        weights[leaf * classes + (file.targets === 1 ? 1 : target)]! += weight;
      }
    return {
      feature: Int32Array.from(parts.feature),
      cut: Float32Array.from(parts.cut),
      below: Int32Array.from(parts.below),
      above: Int32Array.from(parts.above),
      weights,
    };
  };
}

function plainColumns(size: number): readonly TreeColumn[] {
  return Array.from({ length: size }, (_, source) => ({ kind: "number", source, steps: [] }));
}

/** The units of one channel or feature. */
function unitsOf(units: Units, place: number): Units {
  const entries = Object.entries(units).map(([key, values]) => [
    key,
    typeof values === "string" || values.length === 1 ? values : [values[place]],
  ]);
  return Object.fromEntries(entries) as Units;
}

function holds(one: number, comparison: Comparison, value: number): boolean {
  const [first, negated] = NORMAL[comparison];
  const is = first === "<" ? one < value : first === "<=" ? one <= value : one === value;
  return is !== negated;
}

/** Each comparison as "below" or "equal", and whether what follows is swapped. */
const NORMAL: Readonly<Record<Comparison, readonly ["<" | "<=" | "==", boolean]>> = {
  "<": ["<", false],
  "<=": ["<=", false],
  ">": ["<=", true],
  ">=": ["<", true],
  "==": ["==", false],
  "!=": ["==", true],
};

const BITS = new Uint32Array(1);
const FLOAT = new Float32Array(BITS.buffer);
const ONE_BITS = 0x3f800000;

/** The first float32 of 0..1 for which a test holds that holds for all after it; Infinity if there is none. Floats of one sign are ordered as their bits are. */
function firstFloat(test: (x: number) => boolean): number {
  const at = (bits: number): number => {
    BITS[0] = bits;
    return FLOAT[0]!;
  };
  if (!test(1)) return Number.POSITIVE_INFINITY;
  let low = -1;
  let high = ONE_BITS;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (test(at(middle))) high = middle;
    else low = middle;
  }
  return at(high);
}

/** Where the trees as we read them and the model differ, in words; null where they agree on rows on both sides of random cuts. */
async function disagreement(
  trees: TreeEnsemble,
  file: FileTrees,
  { arrangement, scores, rows }: TreesOptions,
): Promise<string | null> {
  const rng = Rng.of(0).fold("tree-rows");
  const size = sizeOf(arrangement.dims);
  const perFeature = Array.from({ length: size }, () => [0, 1]);
  for (const { feature, cut } of trees.trees)
    for (const [node, f] of feature.entries())
      if (f >= 0 && cut[node]! > 0 && cut[node]! <= 1) perFeature[f]!.push(cut[node]!, previousFloat(cut[node]!));
  for (let row = 0; row < TEST_ROWS; row++) {
    const x = Float32Array.from(perFeature, (values) => values[rng.integer(values.length)]!);
    for (const [f, field] of rows?.schema.fields.entries() ?? [])
      if (field.type === "category") rows!.fields[f]!.write(rng.integer(field.values.length), x, rows!.starts[f]!);
    const expected = outputs(file, trees.sums(x));
    const got = await scores(x);
    const scale = got.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    if (expected.some((value, c) => !(Math.abs(value - got[c]!) <= AGREEMENT * scale)))
      return `the trees as read give [${expected.map((value) => value.toPrecision(4))}] where the model gives [${[...got].map((value) => value.toPrecision(4))}]`;
  }
  return null;
}

export function previousFloat(x: number): number {
  FLOAT[0] = x;
  if (BITS[0]! > 0) BITS[0]!--;
  return FLOAT[0]!;
}

/** What the file makes of the sums. */
function outputs({ targets, oneScore, postTransform }: FileTrees, sums: Float64Array): number[] {
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));
  if (targets === 1) {
    const s = sums[1]!;
    if (oneScore === "share") return [1 - s, s];
    if (oneScore === null) return [0, s];
    return postTransform === "LOGISTIC" ? [sigmoid(-s), sigmoid(s)] : [-s, s];
  }
  if (postTransform === "LOGISTIC") return Array.from(sums, sigmoid);
  if (postTransform === "NONE") return [...sums];
  const largest = sums.reduce((a, b) => Math.max(a, b));
  const powers = Array.from(sums, (z) => Math.exp(z - largest));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}
