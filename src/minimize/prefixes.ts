import { type Atoms, ascending, keptOf } from "./atoms.ts";
import type { Search } from "./search.ts";

/** Atoms in a row that can't be taken back, after which the order is asked anew: it has grown old. */
const BLOCKED = 6;
/** Points between the clean side and the best so far at which the gradient is taken, as shares of the way. */
const LOOKS = [1, 0.6, 0.3] as const;

/** Which atoms to take back first, least important first. */
export type Order = (search: Search, atoms: Atoms, kept: Uint8Array) => Promise<readonly number[]>;

/**
 * Takes back many changes with few queries: in the given order the longest run that can go, found by doubling and bisection (`find_integer` of
 * Hypothesis); the atom that ends it stays, and the next run begins behind it. About m (2 + log2(n / m)) queries for m of n atoms kept. The
 * order is asked anew as long as that helps.
 */
export async function prefixesTakenBack(search: Search, atoms: Atoms, order: Order): Promise<void> {
  let kept = new Uint8Array(atoms.count).fill(1);
  kept = await halved(search, atoms, kept, await order(search, atoms, kept));
  for (let before = Number.POSITIVE_INFINITY; keptOf(kept).length < before; ) {
    before = keptOf(kept).length;
    kept = await pass(search, atoms, kept, await order(search, atoms, kept), BLOCKED);
  }
}

/** Takes back single changes of what is best, until each was tried on its own and none can go. */
export async function singlesTakenBack(search: Search, atomsOf: (x: Float32Array) => Atoms): Promise<void> {
  for (;;) {
    const { best } = search;
    const atoms = atomsOf(best);
    // Trying each once is a known number of queries, which buys the guarantee.
    if (atoms.count <= search.left) search.persist(atoms.count);
    const all = new Uint8Array(atoms.count).fill(1);
    await pass(search, atoms, all, ascending(all.keys(), atoms.sizes), Number.POSITIVE_INFINITY);
    if (search.best === best) return;
  }
}

/** A first cut by bisection: as if the important atoms alone were enough, from some number of them on. */
async function halved(
  search: Search,
  atoms: Atoms,
  kept: Uint8Array<ArrayBuffer>,
  order: readonly number[],
): Promise<Uint8Array<ArrayBuffer>> {
  let best = kept;
  let [low, high] = [0, order.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    const fewer = await without(search, atoms, kept, order.slice(0, middle));
    if (fewer === null) high = middle;
    else [low, best] = [middle, fewer];
  }
  return best;
}

async function pass(
  search: Search,
  atoms: Atoms,
  start: Uint8Array<ArrayBuffer>,
  order: readonly number[],
  patience: number,
): Promise<Uint8Array<ArrayBuffer>> {
  let kept = start;
  let blocked = 0;
  for (let at = 0; at < order.length && blocked < patience; ) {
    const from = kept;
    const take = (count: number) => without(search, atoms, from, order.slice(at, at + count));
    const run = await longestRun(order.length - at, async (count) => {
      const fewer = await take(count);
      if (fewer !== null) kept = fewer;
      return fewer !== null;
    });
    blocked = run > 0 ? 0 : blocked + 1;
    at += run + 1;
  }
  return kept;
}

/** The largest count up to `most` for which `works` holds, if it holds for all smaller ones: 1, 2, 4, ... and then by bisection. */
async function longestRun(most: number, works: (count: number) => Promise<boolean>): Promise<number> {
  let low = 0;
  let high = 1;
  while (high <= most && (await works(high))) [low, high] = [high, 2 * high];
  high = Math.min(high, most + 1);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (await works(middle)) low = middle;
    else high = middle;
  }
  return low;
}

async function without(
  search: Search,
  atoms: Atoms,
  kept: Uint8Array,
  gone: readonly number[],
): Promise<Uint8Array<ArrayBuffer> | null> {
  const fewer = kept.slice();
  for (const atom of gone) fewer[atom] = 0;
  const x = atoms.keeping(fewer);
  return x !== null && (await search.keeps(x)) ? fewer : null;
}

/** Small changes first. */
export const bySize: Order = async (_, atoms, kept) => ascending(keptOf(kept), atoms.sizes);

/**
 * By what each change adds to the lead of the wrong class to first order, with the gradient averaged over a few points between the clean side and
 * the input (Sundararajan, Taly, Yan, "Axiomatic attribution for deep networks", arXiv 1703.01365, with three points).
 */
export const byGradient: Order = async (search, atoms, kept) => {
  const { clean } = search.subject;
  const { best } = search;
  const total = new Float64Array(atoms.count);
  for (const share of LOOKS) {
    const x = share === 1 ? best : best.map((value, i) => clean[i]! + share * (value - clean[i]!));
    const gradient = await search.gradient(x);
    if (gradient === null) return bySize(search, atoms, kept);
    const gains = atoms.gains!(gradient);
    for (let atom = 0; atom < total.length; atom++) total[atom]! += gains[atom]!;
  }
  return ascending(keptOf(kept), total);
};
