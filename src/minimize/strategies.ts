import type { Codec } from "../inputs/codec.ts";
import { images, vectors } from "./numbers.ts";
import { rows } from "./rows.ts";
import type { Strategy } from "./search.ts";
import { texts } from "./text.ts";

/** How inputs of a modality are shrunk, and what that may cost unless said otherwise. */
interface Shrinking {
  readonly strategy: Strategy;
  readonly queries: number;
}

/** Modalities join here; one that is missing can't be shrunk yet. */
const SHRINKING: Readonly<Partial<Record<string, Shrinking>>> = {
  image: { strategy: images, queries: 1000 },
  vector: { strategy: vectors, queries: 1000 },
  row: { strategy: rows, queries: 1000 },
  text: { strategy: texts, queries: 500 },
};

/** Queries without progress after which a search gives up, unless said otherwise (Hypothesis has the same). */
export const STALL = 200;

export function shrinkingOf({ modality }: Pick<Codec, "modality">): Shrinking | null {
  return SHRINKING[modality] ?? null;
}
