import { textPoint, writeText } from "../inputs/text/code-points.ts";

/** What is asked at once: points packed one after another, or texts. */
export type Inputs = Float32Array | readonly string[];

export function areTexts(inputs: Inputs): inputs is readonly string[] {
  return !(inputs instanceof Float32Array);
}

/** @param size of a point */
export function countOf(inputs: Inputs, size: number): number {
  return areTexts(inputs) ? inputs.length : inputs.length / size;
}

/** Those from one place up to another. */
export function partOf(inputs: Inputs, from: number, to: number, size: number): Inputs {
  return areTexts(inputs) ? inputs.slice(from, to) : inputs.subarray(from * size, to * size);
}

/** One of them, as a point. */
export function pointAt(inputs: Inputs, place: number, size: number): Float32Array {
  return areTexts(inputs) ? textPoint(inputs[place]!, size) : inputs.subarray(place * size, (place + 1) * size);
}

/** All of them as points, packed one after another. */
export function packed(inputs: Inputs, size: number): Float32Array {
  if (!areTexts(inputs)) return inputs;
  const points = new Float32Array(inputs.length * size);
  for (const [i, text] of inputs.entries()) writeText(text, points.subarray(i * size, (i + 1) * size));
  return points;
}
