/**
 * From texts that fooled another version of the model: the edits that lead there are read off, then one at a time is added or exchanged as long as that
 * lowers the margin.
 */
import { align } from "../../inputs/text/align.ts";
import { textOf } from "../../inputs/text/code-points.ts";
import type { EditSpace } from "../../inputs/text/edit-space.ts";
import type { TextEdit } from "../../inputs/text/edits.ts";
import { defineAttack, defineLabelAttack, type LabelSample, type Sample } from "../attack.ts";
import { labelSearch, type Reached, ScoreSearch, toItsEnd } from "./search.ts";

export type TextWarmSettings = {
  /** For each start. */
  readonly queries: number;
  /** Edits tried of each word. */
  readonly candidates: number;
};

/** The edits that lead to a start; none where the threat does not allow it. */
function editsOf(space: EditSpace, start: Float32Array): readonly TextEdit[] {
  return align(space.segments, [...textOf(start)], { limits: space.limits })?.edits ?? [];
}

/** The edits with one more, or with one more in the place of another where there is no room for it; word by word, in a random order. */
function* beside(
  space: EditSpace,
  edits: readonly TextEdit[],
  { rng }: Pick<LabelSample, "rng">,
  candidates: number,
): Generator<readonly TextEdit[]> {
  for (const word of rng.shuffle([...space.targets]))
    for (const edit of space.proposals(word, rng, candidates)) {
      if (space.allows(edits, edit)) yield [...edits, edit];
      else
        for (const other of edits) {
          const kept = edits.filter((one) => one !== other);
          if (space.allows(kept, edit)) yield [...kept, edit];
        }
    }
}

async function runWarm(sample: Sample, { queries, candidates }: TextWarmSettings): Promise<void> {
  for (const start of sample.starts) {
    const search = new ScoreSearch(sample, queries);
    await toItsEnd(async () => {
      let best: Reached | null = await search.reach(editsOf(search.space, start));
      while (best !== null) best = await better(search, best, sample, candidates);
    });
  }
}

/** The first change that helps; null if none does. */
async function better(search: ScoreSearch, from: Reached, sample: Sample, candidates: number): Promise<Reached | null> {
  for (const edits of beside(search.space, from.edits, sample, candidates)) {
    const reached = await search.reach(edits);
    if (reached.margin < from.margin) return reached;
  }
  return null;
}

export const textWarm = defineAttack<TextWarmSettings>({
  name: "text-warm",
  knowledge: "score",
  summary: "edits exchanged one at a time, from texts that fooled another version of the model",
  source: "own",
  defaults: { queries: 500, candidates: 6 },
  norms: ["text"],
  warm: true,
  // For one start: more of them cost as much each.
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  run: runWarm,
});

export const textWarmLabel = defineLabelAttack<TextWarmSettings>({
  name: "text-warm-label",
  summary: "every exchange of one edit, from texts that fooled another version of the model, by labels alone",
  source: "own",
  defaults: { queries: 500, candidates: 6 },
  norms: ["text"],
  warm: true,
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  async run(sample, { queries, candidates }) {
    for (const start of sample.starts) {
      const asked = labelSearch(sample, queries);
      await toItsEnd(async () => {
        const edits = editsOf(asked.space, start);
        await asked.answer(asked.space.text(edits));
        for (const other of beside(asked.space, edits, sample, candidates)) await asked.answer(asked.space.text(other));
      });
    }
  },
});
