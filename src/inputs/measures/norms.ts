/** Sizes of the change from x0 to x. */
export interface Norms {
  /** Coordinates that changed at all. */
  readonly l0: number;
  readonly l1: number;
  readonly l2: number;
  readonly linf: number;
  /** L2 of the change over L2 of x0; where x0 is all 0, L2 of the change. */
  readonly relativeL2: number;
}

/** In float64, over all coordinates alike. */
export function norms(x: ArrayLike<number>, x0: ArrayLike<number>): Norms {
  let l0 = 0;
  let l1 = 0;
  let squares = 0;
  let linf = 0;
  let cleanSquares = 0;
  for (let i = 0; i < x.length; i++) {
    const clean = x0[i]!;
    const size = Math.abs(x[i]! - clean);
    cleanSquares += clean * clean;
    if (size === 0) continue;
    l0++;
    l1 += size;
    squares += size * size;
    if (size > linf) linf = size;
  }
  const l2 = Math.sqrt(squares);
  return { l0, l1, l2, linf, relativeL2: cleanSquares === 0 ? l2 : l2 / Math.sqrt(cleanSquares) };
}

/** Peak signal-to-noise ratio in dB: 10 log10(MAX^2 / MSE) with MAX = 1; null for equal inputs, which have none. */
export function psnr(x: ArrayLike<number>, x0: ArrayLike<number>): number | null {
  const { l2 } = norms(x, x0);
  return l2 === 0 ? null : 10 * Math.log10(x.length / (l2 * l2));
}
