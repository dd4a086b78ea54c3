import type { TreeEnsemble } from "../../models/classifier.ts";
import type { Box, Place } from "./search-space.ts";

/** A tree whose cuts are positions along the axes of a search space: positions below `place` go to `below`. */
interface PlacedTree {
  readonly feature: Int32Array;
  readonly place: Int32Array;
  readonly below: Int32Array;
  readonly above: Int32Array;
  readonly weights: Float64Array;
}

/** Where to cut a box in two. */
export interface Cut {
  readonly axis: number;
  readonly place: number;
}

/** What an attacker wants of the sums: that one of `wins` is the largest of all. `label` is the class that has it now. */
export interface Wanted {
  readonly label: number;
  readonly wins: readonly number[];
}

/** The trees over the positions of a search space: what they can give in a box, and where to cut it. */
export class Forest {
  private readonly trees: readonly PlacedTree[];
  private readonly ensemble: TreeEnsemble;
  /** Sums closer than this are as good as equal: a model may add them up with less precision, in another order. */
  readonly tolerance: number;

  constructor(ensemble: TreeEnsemble, place: Place) {
    this.ensemble = ensemble;
    this.trees = ensemble.trees.map((tree) => ({
      ...tree,
      place: tree.feature.map((axis, node) => (axis < 0 ? 0 : place(axis, tree.cut[node]!))),
    }));
    const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const scale = this.trees.reduce((sum, { weights }) => sum + largest(weights), largest(ensemble.base));
    this.tolerance = 1e-6 * scale;
  }

  /** How far a point is from what is wanted: negative once it is reached. */
  margin(x: Float32Array, { wins }: Wanted): number {
    const sums = this.ensemble.sums(x);
    let [winning, other] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let c = 0; c < sums.length; c++)
      if (wins.includes(c)) winning = Math.max(winning, sums[c]!);
      else other = Math.max(other, sums[c]!);
    return other - winning;
  }

  /**
   * Where a box is to be cut next, given where its nearest state stands; "decided" where each tree has one leaf left, null where no leaves left can give what is wanted: for
   * no winning class do the largest leaves of all trees together reach the label's sum.
   */
  split(box: Box, at: Int32Array, wanted: Wanted): Cut | "decided" | null {
    const low = Int32Array.from(box.low);
    const high = Int32Array.from(box.high);
    let best: { readonly gain: number; readonly winner: number } | null = null;
    for (const winner of wanted.wins) {
      let gain = this.ensemble.base[winner]! - this.ensemble.base[wanted.label]!;
      for (const tree of this.trees) gain += this.largest(tree, 0, low, high, winner, wanted.label);
      if (gain >= -this.tolerance && (best === null || gain > best.gain)) best = { gain, winner };
    }
    if (best === null) return null;
    const { winner } = best;
    let chosen: { readonly tree: PlacedTree; readonly more: number } | null = null;
    let undecided: PlacedTree | null = null;
    for (const tree of this.trees) {
      const more =
        this.largest(tree, 0, low, high, winner, wanted.label) - this.largest(tree, 0, at, at, winner, wanted.label);
      if (more > (chosen?.more ?? 0)) chosen = { tree, more };
      if (undecided === null && this.isOpen(tree, low, high)) undecided = tree;
    }
    const tree = chosen?.tree ?? undecided;
    return tree === null ? "decided" : this.parting(tree, low, high, at, winner, wanted.label);
  }

  /** The most that leaves of a box (or of a single position: low is high) give one class over another. */
  private largest(
    tree: PlacedTree,
    node: number,
    low: Int32Array,
    high: Int32Array,
    winner: number,
    label: number,
  ): number {
    const axis = tree.feature[node]!;
    if (axis < 0) {
      const at = node * this.ensemble.classes;
      return tree.weights[at + winner]! - tree.weights[at + label]!;
    }
    const place = tree.place[node]!;
    if (high[axis]! < place) return this.largest(tree, tree.below[node]!, low, high, winner, label);
    if (low[axis]! >= place) return this.largest(tree, tree.above[node]!, low, high, winner, label);
    const [first, last] = [low[axis]!, high[axis]!];
    high[axis] = place - 1;
    const below = this.largest(tree, tree.below[node]!, low, high, winner, label);
    high[axis] = last;
    low[axis] = place;
    const above = this.largest(tree, tree.above[node]!, low, high, winner, label);
    low[axis] = first;
    return Math.max(below, above);
  }

  private isOpen(tree: PlacedTree, low: Int32Array, high: Int32Array): boolean {
    for (let node = 0; ; ) {
      const axis = tree.feature[node]!;
      if (axis < 0) return false;
      const place = tree.place[node]!;
      if (low[axis]! < place && high[axis]! >= place) return true;
      node = high[axis]! < place ? tree.below[node]! : tree.above[node]!;
    }
  }

  /** The cut at which the way to the largest leaf of a tree leaves the way of `at`; the first cut that is open where it never does. */
  private parting(
    tree: PlacedTree,
    low: Int32Array,
    high: Int32Array,
    at: Int32Array,
    winner: number,
    label: number,
  ): Cut {
    let first: Cut | null = null;
    for (let node = 0; ; ) {
      const axis = tree.feature[node]!;
      if (axis < 0) return first!;
      const place = tree.place[node]!;
      const toBelow = at[axis]! < place;
      const open = low[axis]! < place && high[axis]! >= place;
      if (open) {
        first ??= { axis, place };
        const own = this.side(tree, node, low, high, toBelow, winner, label);
        const other = this.side(tree, node, low, high, !toBelow, winner, label);
        if (other > own) return { axis, place };
      }
      if (toBelow) high[axis] = Math.min(high[axis]!, place - 1);
      else low[axis] = Math.max(low[axis]!, place);
      node = toBelow ? tree.below[node]! : tree.above[node]!;
    }
  }

  private side(
    tree: PlacedTree,
    node: number,
    low: Int32Array,
    high: Int32Array,
    below: boolean,
    winner: number,
    label: number,
  ): number {
    const axis = tree.feature[node]!;
    const [first, last] = [low[axis]!, high[axis]!];
    if (below) high[axis] = tree.place[node]! - 1;
    else low[axis] = tree.place[node]!;
    const gain = this.largest(tree, below ? tree.below[node]! : tree.above[node]!, low, high, winner, label);
    low[axis] = first;
    high[axis] = last;
    return gain;
  }
}
