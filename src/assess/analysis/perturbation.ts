import type { Finding } from "../schema.ts";

/** Where and how much `x` differs from `x0`; rows are [height, width, channels] or [features]. */
export function perturbation(
  x: Float32Array,
  x0: Float32Array,
  dims: readonly number[],
): Omit<Finding["perturbation"], "blob"> {
  let l0 = 0;
  let l1 = 0;
  let squares = 0;
  let linf = 0;
  let cleanSquares = 0;
  const image = dims.length === 3;
  const [, width = 1, channels = 1] = dims;
  const box = { top: Number.POSITIVE_INFINITY, left: Number.POSITIVE_INFINITY, bottom: 0, right: 0 };
  const moment = { row: 0, column: 0 };
  for (let i = 0; i < x.length; i++) {
    const delta = x[i]! - x0[i]!;
    cleanSquares += x0[i]! * x0[i]!;
    if (delta === 0) continue;
    const energy = delta * delta;
    l0++;
    l1 += Math.abs(delta);
    squares += energy;
    linf = Math.max(linf, Math.abs(delta));
    if (!image) continue;
    const pixel = Math.floor(i / channels);
    const row = Math.floor(pixel / width);
    const column = pixel % width;
    box.top = Math.min(box.top, row);
    box.left = Math.min(box.left, column);
    box.bottom = Math.max(box.bottom, row + 1);
    box.right = Math.max(box.right, column + 1);
    moment.row += energy * row;
    moment.column += energy * column;
  }
  const l2 = Math.sqrt(squares);
  return {
    location: {
      kind: l0 === 0 ? "none" : l0 < x.length / 2 ? "sparse" : "dense",
      support: l0 / x.length,
      ...(image && l0 > 0
        ? {
            bbox: [box.top, box.left, box.bottom, box.right] as [number, number, number, number],
            centroid: [moment.row / squares, moment.column / squares] as [number, number],
          }
        : {}),
    },
    magnitude: { l0, l1, l2, linf, relativeL2: cleanSquares === 0 ? l2 : l2 / Math.sqrt(cleanSquares) },
    // 10 log10(MAX^2 / MSE) with MAX = 1; identical inputs have none.
    perceptibility: {
      psnr: squares === 0 ? null : 10 * Math.log10(x.length / squares),
      band: linf <= 2 / 255 ? "imperceptible" : "visible",
      rule: "L-inf alone",
    },
  };
}
