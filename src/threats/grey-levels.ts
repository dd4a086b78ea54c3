/** Grey level of a value in 0..1, as an 8-bit file stores it. */
export function levelOf(value: number): number {
  return Math.min(255, Math.max(0, Math.round(255 * value)));
}

/** The nearest grey level of each value, at most floor(255 epsilon) levels from the clean one. */
export function roundToLevels(x: Float32Array, x0: Float32Array, epsilon: number): Float32Array {
  const reach = Math.floor(255 * epsilon + 1e-6);
  return x.map((value, i) => {
    const clean = levelOf(x0[i]!);
    const level = Number.isNaN(value) ? clean : levelOf(value);
    return Math.min(clean + reach, Math.max(clean - reach, level)) / 255;
  });
}

/**
 * Grey levels whose L2 distance to the clean ones is at most epsilon. Each value goes to its nearest level; if that leaves the ball,
 * values are taken one level back toward the clean value until it does not: first those that rounding had carried farthest outward
 * (taking them back costs least), then, for a point that was outside before, the largest changes.
 */
export function roundInsideSquares(x: Float32Array, x0: Float32Array, epsilon: number): Float32Array {
  const budget = (255 * epsilon) ** 2 * (1 + 1e-9);
  const clean = Float64Array.from(x0, levelOf);
  const change = Float64Array.from(x, (value, i) => (Number.isNaN(value) ? 0 : levelOf(value) - clean[i]!));
  let squares = change.reduce((sum, step) => sum + step * step, 0);
  if (squares > budget) {
    const outward = (i: number): number => Math.abs(change[i]!) - 255 * Math.abs(x[i]! - x0[i]!);
    const rounded = Array.from(change.keys()).filter((i) => change[i] !== 0 && outward(i) > 0);
    const order = rounded.map((i) => ({ i, carried: outward(i) })).sort((a, b) => b.carried - a.carried || a.i - b.i);
    for (const { i } of order) {
      if (squares <= budget) break;
      squares -= takeBack(change, i);
    }
  }
  while (squares > budget) {
    let largest = 0;
    for (let i = 1; i < change.length; i++) if (Math.abs(change[i]!) > Math.abs(change[largest]!)) largest = i;
    squares -= takeBack(change, largest);
  }
  return Float32Array.from(change, (step, i) => (clean[i]! + step) / 255);
}

/** One level toward zero; returns by how much the sum of squares falls. */
function takeBack(change: Float64Array, i: number): number {
  const before = change[i]!;
  change[i] = before - Math.sign(before);
  return before * before - change[i]! * change[i]!;
}
