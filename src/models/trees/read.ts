import type { Model, Node, Value } from "../../graph/ir.ts";
import { toNumbers } from "../../tensor/tensor.ts";
import { columnsOf, type TreeColumn } from "./columns.ts";

/** How a node of a file compares a feature with its value; where that holds, `yes` is next. */
export type Comparison = "<" | "<=" | ">" | ">=" | "==" | "!=";

export interface FileSplit {
  readonly kind: "split";
  readonly feature: number;
  readonly comparison: Comparison;
  readonly value: number;
  /** Indices of nodes. */
  readonly yes: number;
  readonly no: number;
}

export interface FileLeaf {
  readonly kind: "leaf";
  /** Target (a class, or the one score) and what it gains. */
  readonly weights: readonly (readonly [target: number, weight: number])[];
}

/** The trees of an ensemble as the file has them, in the units of the model's input. */
export interface FileTrees {
  readonly nodes: readonly (FileSplit | FileLeaf)[];
  readonly roots: readonly number[];
  readonly targets: number;
  readonly base: readonly number[];
  readonly postTransform: string;
  /** A classifier of two classes that weighs one of them only: one score, and how it becomes two. */
  readonly oneScore: "signed" | "share" | null;
}

/** Larger ensembles are not read. */
export const MOST_NODES = 5_000_000;
const DOMAIN = "ai.onnx.ml";
const COMPARISONS: Readonly<Record<string, Comparison>> = {
  BRANCH_LEQ: "<=",
  BRANCH_LT: "<",
  BRANCH_GTE: ">=",
  BRANCH_GT: ">",
  BRANCH_EQ: "==",
  BRANCH_NEQ: "!=",
};
/** `nodes_modes` of TreeEnsemble 5, by number. */
const NUMBERED = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"];

/** The node of trees that makes `scores` (of the model, or of a copy), and what its features are of the model's input, `size` numbers; null where there is none. */
export function treesBehind(
  model: Model,
  scores: Value,
  size: number,
): { readonly node: Node; readonly columns: readonly TreeColumn[] } | null {
  const node = behind(scores).producer;
  if (node === null || node.domain !== DOMAIN || !node.op.startsWith("TreeEnsemble")) return null;
  const columns = columnsOf(model, node.inputs[0], size);
  return columns === null ? null : { node, columns };
}

/** The value itself: what an Identity, a Cast between floats, or a product with one (LightGBM's converter ends with it) was made of. */
function behind(value: Value): Value {
  let current = value;
  for (;;) {
    const node = current.producer;
    const source = node?.inputs[0];
    if (node?.domain !== "" || source == null || !isSame(node)) return current;
    current = source;
  }
}

function isSame({ op, inputs }: Node): boolean {
  if (op === "Identity" || op === "Cast") return true;
  const factor = op === "Mul" ? (inputs[1]?.constant ?? null) : null;
  return factor !== null && factor.data.length === 1 && Number(factor.data[0]) === 1;
}

/** Why an ensemble could not be read. */
export class TreeProblem extends Error {}

/** Reads TreeEnsembleClassifier, TreeEnsembleRegressor (ai.onnx.ml 1 and 3) or TreeEnsemble (5). Throws `TreeProblem`. */
export function readTrees(node: Node): FileTrees {
  const trees = node.op === "TreeEnsemble" ? readNumbered(node) : readKeyed(node);
  if (trees.nodes.length > MOST_NODES) throw new TreeProblem(`more than ${MOST_NODES} nodes`);
  if (trees.base.length > 0 && trees.base.length !== trees.targets)
    throw new TreeProblem("base_values of another size");
  return trees;
}

/** The form of ai.onnx.ml 1 and 3: nodes are named by tree and number, and leaves by what they add. */
function readKeyed(node: Node): FileTrees {
  const classifier = node.op === "TreeEnsembleClassifier";
  const aggregate = node.string("aggregate_function", "SUM");
  if (aggregate !== "SUM" && aggregate !== "AVERAGE") throw new TreeProblem(`aggregate_function ${aggregate}`);
  const ids = ints(node, "nodes_nodeids");
  const count = ids.length;
  const column = (name: string): readonly number[] => sized(ints(node, name), count, name);
  const treeIds = column("nodes_treeids");
  const features = column("nodes_featureids");
  const yes = column("nodes_truenodeids");
  const no = column("nodes_falsenodeids");
  const values = sized(floats(node, "nodes_values"), count, "nodes_values");
  const modes = sized(strings(node, "nodes_modes"), count, "nodes_modes");
  const indexOf = new Map(ids.map((id, i) => [`${treeIds[i]} ${id}`, i]));
  if (indexOf.size < count) throw new TreeProblem("a node twice");
  const find = (tree: number, id: number): number => {
    const index = indexOf.get(`${tree} ${id}`);
    if (index === undefined) throw new TreeProblem(`no node ${id} in tree ${tree}`);
    return index;
  };
  const prefix = classifier ? "class" : "target";
  const targetIds = ints(node, `${prefix}_ids`);
  const weights = sized(floats(node, `${prefix}_weights`), targetIds.length, `${prefix}_weights`);
  const ofTrees = sized(ints(node, `${prefix}_treeids`), targetIds.length, `${prefix}_treeids`);
  const ofNodes = sized(ints(node, `${prefix}_nodeids`), targetIds.length, `${prefix}_nodeids`);
  const gains = new Map<number, [number, number][]>();
  const treeCount = new Set(treeIds).size;
  for (const [i, target] of targetIds.entries()) {
    const leaf = find(ofTrees[i]!, ofNodes[i]!);
    const share = aggregate === "AVERAGE" ? treeCount : 1;
    gains.set(leaf, [...(gains.get(leaf) ?? []), [target, weights[i]! / share]]);
  }
  const isChild = new Uint8Array(count);
  const nodes = ids.map((_, i): FileSplit | FileLeaf => {
    if (modes[i] === "LEAF") return { kind: "leaf", weights: gains.get(i) ?? [] };
    const split = {
      kind: "split",
      feature: features[i]!,
      comparison: comparisonOf(modes[i]!),
      value: values[i]!,
      yes: find(treeIds[i]!, yes[i]!),
      no: find(treeIds[i]!, no[i]!),
    } as const;
    isChild[split.yes] = 1;
    isChild[split.no] = 1;
    return split;
  });
  const roots = [...nodes.keys()].filter((i) => isChild[i] === 0);
  if (roots.length !== treeCount) throw new TreeProblem(`${roots.length} roots of ${treeCount} trees`);
  const labels = node.attributes.get("classlabels_int64s") ?? node.attributes.get("classlabels_strings");
  const classes = labels?.type === "ints" || labels?.type === "strings" ? labels.value.length : 0;
  const targets = classifier ? classes : node.int("n_targets", 1);
  // As ONNX Runtime reads it: with class 0 alone, what is added up is the score of class 1.
  const one = classifier && classes === 2 && targetIds.every((id) => id === 0);
  const postTransform = node.string("post_transform", "NONE");
  const positive = postTransform === "NONE" && weights.every((weight) => weight >= 0);
  return {
    nodes,
    roots,
    targets: one ? 1 : targets,
    base: floats(node, "base_values"),
    postTransform,
    oneScore: one ? (positive ? "share" : "signed") : null,
  };
}

/** The form of ai.onnx.ml 5: nodes and leaves are numbered, each list by itself. */
function readNumbered(node: Node): FileTrees {
  const aggregate = node.int("aggregate_function", 1);
  if (aggregate > 1) throw new TreeProblem(`aggregate_function ${aggregate}`);
  const features = ints(node, "nodes_featureids");
  const count = features.length;
  const column = (name: string): readonly number[] => sized(ints(node, name), count, name);
  const modes = sized(floats(node, "nodes_modes"), count, "nodes_modes");
  const values = sized(floats(node, "nodes_splits"), count, "nodes_splits");
  const children = {
    yes: { ids: column("nodes_truenodeids"), leaf: column("nodes_trueleafs") },
    no: { ids: column("nodes_falsenodeids"), leaf: column("nodes_falseleafs") },
  };
  const roots = ints(node, "tree_roots");
  const targetIds = ints(node, "leaf_targetids");
  const weights = sized(floats(node, "leaf_weights"), targetIds.length, "leaf_weights");
  const share = aggregate === 0 ? roots.length : 1;
  const next = (side: "yes" | "no", i: number): number => {
    const leaf = children[side].leaf[i] !== 0;
    const id = children[side].ids[i]!;
    if (!(id >= 0 && id < (leaf ? targetIds.length : count))) throw new TreeProblem(`no node or leaf ${id}`);
    return leaf ? count + id : id;
  };
  const splits = features.map(
    (feature, i): FileSplit => ({
      kind: "split",
      feature,
      comparison: comparisonOf(NUMBERED[modes[i]!] ?? String(modes[i])),
      value: values[i]!,
      yes: next("yes", i),
      no: next("no", i),
    }),
  );
  const leaves = targetIds.map((target, i): FileLeaf => ({ kind: "leaf", weights: [[target, weights[i]! / share]] }));
  if (roots.some((root) => !(root >= 0 && root < count))) throw new TreeProblem("a root that is no node");
  const post = node.int("post_transform", 0);
  return {
    nodes: [...splits, ...leaves],
    roots,
    targets: node.int("n_targets", 1),
    base: [],
    postTransform: ["NONE", "SOFTMAX", "LOGISTIC"][post] ?? String(post),
    oneScore: null,
  };
}

function comparisonOf(mode: string): Comparison {
  const comparison = Object.hasOwn(COMPARISONS, mode) ? COMPARISONS[mode] : undefined;
  if (comparison === undefined) throw new TreeProblem(`nodes of mode ${mode}`);
  return comparison;
}

function sized<T>(values: readonly T[], count: number, name: string): readonly T[] {
  if (values.length !== count) throw new TreeProblem(`${values.length} ${name} where there are ${count}`);
  return values;
}

function ints(node: Node, name: string): readonly number[] {
  return node.ints(name) ?? [];
}

/** Floats of an attribute: as such, or as a tensor (`nodes_values_as_tensor`, which may hold float64). */
function floats(node: Node, name: string): readonly number[] {
  const attribute = node.attributes.get(name);
  if (attribute?.type === "floats") return attribute.value;
  const tensor = node.tensor(name) ?? node.tensor(`${name}_as_tensor`);
  return tensor === undefined ? [] : toNumbers(tensor);
}

function strings(node: Node, name: string): readonly string[] {
  const attribute = node.attributes.get(name);
  return attribute?.type === "strings" ? attribute.value : [];
}
