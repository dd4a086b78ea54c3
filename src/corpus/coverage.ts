import type { CellFamily, Counts } from "./facets.ts";

/** How much of one family of boundary cells has samples. */
export interface Coverage {
  readonly family: CellFamily;
  /** Cells with at least one trusted sample. */
  readonly cells: number;
  /** How many there are, where that is known: n (n - 1) pairs of n classes. */
  readonly of: number | null;
  /** Samples that lie in a cell of the family; a sample may lie in several. */
  readonly samples: number;
  /** Cells with exactly one. */
  readonly once: number;
  /**
   * An estimate, under the mix of attacks that made this corpus: the share of the next finds that will lie in cells never seen. Good and Turing's
   * f1 / n (Good, "The population frequencies of species and the estimation of population parameters", Biometrika 40, 1953). Null of no samples.
   */
  readonly unseen: number | null;
  /** A lower bound, in expectation, on the number of cells: Chao1, S + f1 (f1 - 1) / (2 (f2 + 1)) (Chao, Scand. J. Statist. 11, 1984). */
  readonly atLeast: number | null;
}

/** @param classes how many classes the models have, where they agree */
export function coverageOf(family: CellFamily, counts: Counts, classes: number | null): Coverage {
  const samples = counts.reduce((sum, one) => sum + one.samples, 0);
  const seen = (times: number) => counts.filter((one) => one.samples === times).length;
  const [once, twice] = [seen(1), seen(2)];
  const of = family === "class pair" && classes !== null ? classes * (classes - 1) : null;
  const chao = counts.length + (once * (once - 1)) / (2 * (twice + 1));
  return {
    family,
    cells: counts.length,
    of,
    samples,
    once,
    unseen: samples === 0 ? null : once / samples,
    atLeast: samples === 0 ? null : Math.min(chao, of ?? Number.POSITIVE_INFINITY),
  };
}
