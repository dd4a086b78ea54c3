import { textOf, textPoint } from "../inputs/text/code-points.ts";
import { applyEdits } from "../inputs/text/edits.ts";
import { segments } from "../inputs/text/segments.ts";
import { textChange } from "../inputs/text/text-change.ts";
import type { Atoms } from "./atoms.ts";
import type { Strategy } from "./search.ts";
import { neededAtoms } from "./subsets.ts";

/** The edits that lead from one text to the other, each of which can be taken back. */
export function editAtoms(clean: Float32Array, wrong: Float32Array): Atoms {
  const original = textOf(clean);
  const { characters } = segments(original);
  const { edits } = textChange(textOf(wrong), original);
  return {
    count: edits.length,
    sizes: edits.map(({ start, end, replacement }) => Math.max(end - start, [...replacement].length)),
    keeping(kept) {
      const text = applyEdits(
        characters,
        edits.filter((_, atom) => kept[atom] === 1),
      );
      return [...text].length > clean.length ? null : textPoint(text, clean.length);
    },
  };
}

/** Fewest edits, then fewest changed code points. */
export const texts: Strategy = {
  name: "fewest edits",
  rank(x, { clean }) {
    const { edits, changed } = textChange(textOf(x), textOf(clean));
    return [edits.length, changed];
  },
  async run(search) {
    const { clean, wrong } = search.subject;
    return (await neededAtoms(search, editAtoms(clean, wrong))).guarantee;
  },
};
