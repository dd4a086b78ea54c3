import { type Atoms, ascending, keptOf } from "./atoms.ts";
import type { Guarantee, Search } from "./search.ts";

/** With more changes than this, trying every subset (2^12 = 4,096) costs too much. */
export const EXACT_ATOMS = 12;

/**
 * The changes that are needed: taken back one by one, the least important first, then, of few changes, every smaller set by increasing size.
 * Meant for edits and fields; a model that gives labels alone ranks them by size.
 * @returns which changes are kept, and what is sure of that
 */
export async function neededAtoms(
  search: Search,
  atoms: Atoms,
): Promise<{ readonly kept: Uint8Array; readonly guarantee: Guarantee }> {
  const all = new Uint8Array(atoms.count).fill(1);
  const kept = await takenBackGreedily(search, atoms, all);
  // Leave-one-out may have met something simpler than where the greedy way ends, of which less is known.
  const known = () => atoms.keeping(kept)?.every((value, i) => value === search.best[i]) === true;
  if (atoms.count > EXACT_ATOMS) return { kept, guarantee: known() ? "1-minimal" : "none" };
  const smaller = await smallestSubset(search, atoms, keptOf(kept).length);
  return { kept: smaller ?? kept, guarantee: "subset-minimal" };
}

/** Leave-one-out ranks the changes; then each is taken back if the mistake stands without it, until no single one can be. */
async function takenBackGreedily(search: Search, atoms: Atoms, start: Uint8Array): Promise<Uint8Array> {
  const alone = (kept: Uint8Array, atom: number) => {
    const without = kept.slice();
    without[atom] = 0;
    return without;
  };
  const importance = await Promise.all(
    keptOf(start).map(async (atom) => {
      const x = atoms.keeping(alone(start, atom));
      const gap = x === null ? Number.NaN : (await search.verdict(x)).gap;
      // What was not asked can't be taken back alone: last.
      return Number.isNaN(gap) ? Number.POSITIVE_INFINITY : -gap;
    }),
  );
  const order =
    search.judge.output === "label" ? ascending(keptOf(start), atoms.sizes) : ascending(keptOf(start), importance);
  let kept = start;
  for (let gained = true; gained; ) {
    gained = false;
    for (const atom of order) {
      if (kept[atom] === 0) continue;
      const without = alone(kept, atom);
      const x = atoms.keeping(without);
      if (x === null || !(await search.keeps(x))) continue;
      kept = without;
      gained = true;
    }
  }
  return kept;
}

/** The first set of fewer than `size` changes that keeps the mistake, by increasing size; null if there is none. */
async function smallestSubset(search: Search, atoms: Atoms, size: number): Promise<Uint8Array | null> {
  const bySize = ascending(Array.from({ length: atoms.count }).keys(), atoms.sizes);
  for (let chosen = 1; chosen < size; chosen++)
    for (const subset of subsets(bySize, chosen)) {
      const kept = new Uint8Array(atoms.count);
      for (const atom of subset) kept[atom] = 1;
      const x = atoms.keeping(kept);
      if (x === null) continue;
      // What is left to try is known and finite: no reason to lose patience.
      search.persist(1);
      if (await search.keeps(x)) return kept;
    }
  return null;
}

/** All subsets of `count` items, in the order of the items. */
function* subsets(items: readonly number[], count: number, from = 0): Generator<readonly number[]> {
  if (count === 0) {
    yield [];
    return;
  }
  for (let first = from; first <= items.length - count; first++)
    for (const rest of subsets(items, count - 1, first + 1)) yield [items[first]!, ...rest];
}
