import type { Search } from "./search.ts";

const STEPS = 8;

/**
 * Moves the best so far toward the clean side along the line between them, by bisection, each candidate rounded to what can be deployed. Returns whether that gained anything.
 */
export async function shortened(search: Search): Promise<boolean> {
  const { clean, threat } = search.subject;
  const far = search.best;
  let [low, high] = [0, 1];
  for (let step = 0; step < STEPS; step++) {
    const middle = (low + high) / 2;
    const x = far.map((value, i) => (value === clean[i] ? value : clean[i]! + middle * (value - clean[i]!)));
    if (await search.keeps(threat.deployable(x, clean))) high = middle;
    else low = middle;
  }
  return search.best !== far;
}
