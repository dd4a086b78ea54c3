/** x + length * direction, as a new point or written into `out`. */
export function stepFrom(
  x: Float32Array,
  direction: Float32Array,
  length: number,
  out: Float32Array = new Float32Array(x.length),
): Float32Array {
  for (let i = 0; i < x.length; i++) out[i] = x[i]! + length * direction[i]!;
  return out;
}
