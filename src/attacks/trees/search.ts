import type { Rng } from "../../base/rng.ts";
import type { Forest, Wanted } from "./forest.ts";
import type { Box, SearchSpace, State } from "./search-space.ts";

/** One search: the trees, what is wanted of them, and the space around a clean point. */
export interface Search {
  readonly forest: Forest;
  readonly wanted: Wanted;
  readonly space: SearchSpace;
}

/** What a search came to. */
export interface Found {
  /** The nearest state that reaches what is wanted, by our reading of the trees. */
  readonly best: State | null;
  /** Nearer ones whose sums are as good as equal, the nearest first: the model must say. */
  readonly ties: readonly State[];
  /** Nothing but ties is smaller than this. */
  readonly proved: number;
}

/**
 * Greedy descent of the margin, one field at a time, within a ball that shrinks below each success; where that is stuck, a dive toward the largest leaves. An
 * upper bound. `starts`: how often it begins anew, at random points of the ball. Gives the last and nearest success, with fields put back that it does not need.
 */
export function descend(search: Search, starts: number, rng: Rng): State | null {
  const { space } = search;
  let best: State | null = null;
  let size = space.limit;
  for (let start = 0; start < starts; start++) {
    let from: State = start === 0 ? space.clean : scattered(space, size, rng);
    for (;;) {
      const reached = descendFrom(search, from, size) ?? dive(search, size);
      if (reached === null) break;
      best = thinned(search, reached);
      size = space.size(best);
      from = shrunk(space, best, size);
    }
  }
  return best;
}

/** The state, with each field brought toward the clean one until it alone is below a size; the clean one where all together are not. */
function shrunk(space: SearchSpace, state: State, size: number): State {
  const closer = space.clean.map((home, field) =>
    state[field] === home ? home : space.toward(field, state[field]!, size),
  );
  return space.size(closer) < size && space.faults(closer).length === 0 ? closer : space.clean;
}

function scattered(space: SearchSpace, size: number, rng: Rng): State {
  const state = Int32Array.from(space.clean);
  for (const field of space.free) {
    const options = space.options(field);
    if (options.length > 0 && rng.uniform() < 0.5) state[field] = options[rng.integer(options.length)]!;
  }
  return shrunk(space, state, size);
}

/** Of all single changes the one that lowers the margin most, again and again, until it is reached; null if nothing helps. */
function descendFrom({ forest, wanted, space }: Search, start: State, size: number): State | null {
  let state = start;
  let margin = forest.margin(space.point(state), wanted);
  for (;;) {
    if (margin < -forest.tolerance && space.faults(state).length === 0) return state;
    let best: { readonly state: State; readonly margin: number } | null = null;
    for (const trial of changes(space, state, size)) {
      const own = forest.margin(space.point(trial), wanted);
      if (own < (best?.margin ?? margin)) best = { state: trial, margin: own };
    }
    if (best === null) return null;
    ({ state, margin } = best);
  }
}

/** Boxes that one dive looks at. */
const DIVE = 200;

/** Cuts the ball again and again, looking first toward the largest leaf that is left in some tree; null where that leads nowhere soon. */
function dive({ forest, wanted, space }: Search, size: number): State | null {
  const stack = [space.box];
  for (let looked = 0; looked < DIVE && stack.length > 0; looked++) {
    const box = space.smaller(stack.pop()!, size);
    const near = space.nearest(box);
    if (near === null || near.size >= size) continue;
    const { state } = near;
    const margin = forest.margin(space.point(state), wanted);
    if (margin < -forest.tolerance && space.faults(state).length === 0) return state;
    const at = positions(space, state);
    const cut = forest.split(box, at, wanted);
    if (cut === null || cut === "decided") continue;
    const parts = [cutBelow(box, cut.axis, cut.place), cutAbove(box, cut.axis, cut.place)];
    stack.push(...(at[cut.axis]! < cut.place ? parts : parts.reverse()));
  }
  return null;
}

/** Single changes (and what follows from them) that stay below a size. */
function* changes(space: SearchSpace, state: State, size: number): Generator<State> {
  for (const field of space.free)
    for (const choice of [space.clean[field]!, ...space.options(field)]) {
      if (choice === state[field]) continue;
      const changed = Int32Array.from(state);
      changed[field] = choice;
      const trial = space.faults(changed).length === 0 ? changed : space.mend(changed);
      if (space.size(trial) < size && space.faults(trial).length === 0) yield trial;
    }
}

/** Puts back every field that is not needed, the largest change first. */
function thinned({ forest, wanted, space }: Search, state: State): State {
  let best = state;
  for (const field of space.free) {
    if (best[field] === space.clean[field]) continue;
    const trial = Int32Array.from(best);
    trial[field] = space.clean[field]!;
    if (space.faults(trial).length === 0 && forest.margin(space.point(trial), wanted) < -forest.tolerance) best = trial;
  }
  return best;
}

/** A part of the space, its nearest state, and the size that nothing in it is below. */
interface Part {
  readonly box: Box;
  readonly state: State;
  readonly size: number;
}

/**
 * Branch and bound over the positions of all axes, the part with the smallest change first: the first part whose nearest state reaches what is wanted holds the
 * smallest change of all (the leaf tuples of Zhang, Zhang, Hsieh: arXiv:2010.11598, bounded as Kantchelian's program is: arXiv:1509.07892).
 * `bound`: a state that is known to reach it. `parts`: how many parts are looked at, at most.
 */
export function nearest(search: Search, bound: State | null, parts: number): Found {
  const { forest, wanted, space } = search;
  let limit = bound === null ? space.limit : space.size(bound);
  let best = bound;
  const ties: State[] = [];
  const queue = new Queue();
  const add = (box: Box): void => {
    const near = space.nearest(box);
    if (near !== null && near.size < limit) queue.push({ box: space.smaller(box, limit), ...near });
  };
  add(space.box);
  let looked = 0;
  for (let part = queue.pop(); part !== null; part = queue.pop()) {
    if (part.size >= limit) break;
    if (++looked > parts) return { best, ties, proved: part.size };
    const { state } = part;
    // Found smaller bounds since it was put aside.
    const box = space.smaller(part.box, limit);
    const faults = space.faults(state);
    const margin = forest.margin(space.point(state), wanted);
    if (margin < -forest.tolerance && faults.length === 0) {
      best = state;
      limit = part.size;
      break;
    }
    // As good as equal: the model itself must say.
    if (margin <= forest.tolerance && faults.length === 0) ties.push(state);
    const at = positions(space, state);
    const cut = forest.split(box, at, wanted);
    if (cut === null) continue;
    if (cut !== "decided") {
      add(cutBelow(box, cut.axis, cut.place));
      add(cutAbove(box, cut.axis, cut.place));
    } else if (margin <= forest.tolerance) for (const rest of apart(space, box, at, faults)) add(rest);
  }
  return { best, ties, proved: limit };
}

function positions(space: SearchSpace, state: State): Int32Array {
  const at = new Int32Array(space.box.low.length);
  for (let field = 0; field < state.length; field++)
    for (const { axis, position } of space.axes(field, state[field]!)) at[axis] = position;
  return at;
}

function cutBelow({ low, high }: Box, axis: number, place: number): Box {
  const shorter = Int32Array.from(high);
  shorter[axis] = Math.min(shorter[axis]!, place - 1);
  return { low, high: shorter };
}

function cutAbove({ low, high }: Box, axis: number, place: number): Box {
  const shorter = Int32Array.from(low);
  shorter[axis] = Math.max(shorter[axis]!, place);
  return { low: shorter, high };
}

/**
 * Where all trees are decided but a rule between fields is broken: the first field of it that still has a choice, at its place, below it and above
 * it. Nothing where it has none: no row of the box keeps the rule.
 */
function apart(space: SearchSpace, box: Box, at: Int32Array, faults: readonly number[]): Box[] {
  for (const field of faults)
    for (const { axis } of space.axes(field, space.clean[field]!)) {
      const [low, high, own] = [box.low[axis]!, box.high[axis]!, at[axis]!];
      if (low >= high) continue;
      return [
        cutBelow(box, axis, own),
        cutAbove(cutBelow(box, axis, own + 1), axis, own),
        cutAbove(box, axis, own + 1),
      ].filter((part) => part.low[axis]! <= part.high[axis]!);
    }
  return [];
}

/** A binary heap: the smallest size first, the older of equals. */
class Queue {
  private readonly parts: (Part & { readonly order: number })[] = [];
  private count = 0;

  push(part: Part): void {
    const { parts } = this;
    let at = parts.push({ ...part, order: this.count++ }) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(parts[at]!, parts[parent]!)) break;
      [parts[at], parts[parent]] = [parts[parent]!, parts[at]!];
      at = parent;
    }
  }

  pop(): Part | null {
    const { parts } = this;
    const first = parts[0];
    const last = parts.pop();
    if (first === undefined || last === undefined) return null;
    if (parts.length > 0) {
      parts[0] = last;
      for (let at = 0; ; ) {
        const left = 2 * at + 1;
        let least = at;
        for (const child of [left, left + 1])
          if (child < parts.length && isBefore(parts[child]!, parts[least]!)) least = child;
        if (least === at) break;
        [parts[at], parts[least]] = [parts[least]!, parts[at]!];
        at = least;
      }
    }
    return first;
  }
}

function isBefore(a: Part & { readonly order: number }, b: Part & { readonly order: number }): boolean {
  return a.size < b.size || (a.size === b.size && a.order < b.order);
}
