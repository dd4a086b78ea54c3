/** A random search in one norm: where it starts and how it changes the best point so far. */
export interface Proposals {
  initial(): Float32Array;
  /** Writes a candidate near `best` into `out`; `p` is the share of coordinates to touch. */
  propose(best: Float32Array, p: number, out: Float32Array): void;
}
