import { type Alignment, align, type Limits } from "./align.ts";
import { textOf } from "./code-points.ts";
import { type Segments, segments } from "./segments.ts";

/** What was worked out about a clean text. */
interface Known {
  readonly parts: Segments;
  /** The way to the text that was asked about last. */
  way: { readonly text: string; readonly limits: Limits; readonly found: Alignment | null } | null;
}

/**
 * By the point of the clean text, while it lives: a search, its threat and whoever takes needless edits back ask for the same, again and again. Nobody changes a
 * clean point.
 */
const known = new WeakMap<Float32Array, Known>();

function knownOf(x0: Float32Array): Known {
  const one = known.get(x0) ?? { parts: segments(textOf(x0)), way: null };
  known.set(x0, one);
  return one;
}

/** The text of a clean point, taken apart. */
export function segmentsOf(x0: Float32Array): Segments {
  return knownOf(x0).parts;
}

/** The edits that lead from a clean point to another within the limits; null if there are none. See `align`. */
export function wayTo(x: Float32Array, x0: Float32Array, limits: Limits): Alignment | null {
  const one = knownOf(x0);
  const text = textOf(x);
  if (one.way?.text !== text || one.way.limits !== limits)
    one.way = { text, limits, found: align(one.parts, [...text], { limits }) };
  return one.way.found;
}
