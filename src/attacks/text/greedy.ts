/**
 * Greedy search over the words of a text, those first without which the answer changes most (Jin et al., TextFooler, arXiv:1907.11932; Gao et al.,
 * DeepWordBug, arXiv:1801.04354).
 *
 * Differences from the papers: edits are of every kind that the threat allows, not words alone; a word is left as it is where no edit helps; the pass
 * begins anew while edits are left and the last one helped. A random order (`order`) saves the queries that rank the words.
 */
import type { EditSpace } from "../../inputs/text/edit-space.ts";
import { defineAttack, type Sample } from "../attack.ts";
import { type Reached, ScoreSearch, toItsEnd } from "./search.ts";

export type TextGreedySettings = {
  /** In all. */
  readonly queries: number;
  /** Edits tried of each word. */
  readonly candidates: number;
  readonly order: "importance" | "random";
};

async function runGreedy(sample: Sample, { queries, candidates, order }: TextGreedySettings): Promise<void> {
  const search = new ScoreSearch(sample, queries);
  await toItsEnd(async () => {
    const words = order === "random" ? sample.rng.shuffle(search.space.targets) : await search.byImportance();
    let best = search.clean;
    for (let before = Infinity; best.margin < before && best.edits.length < search.space.most; ) {
      before = best.margin;
      for (const word of words) best = await bestEdit(search, best, word, candidates, sample);
    }
  });
}

/** With the edit of this word that lowers the margin most; as it was where none does. */
async function bestEdit(
  search: ScoreSearch,
  from: Reached,
  word: EditSpace["targets"][number],
  candidates: number,
  { rng }: Sample,
): Promise<Reached> {
  let best = from;
  for (const edit of search.space.proposals(word, rng, candidates)) {
    if (!search.space.allows(from.edits, edit)) continue;
    const reached = await search.reach([...from.edits, edit]);
    if (reached.margin < best.margin) best = reached;
  }
  return best;
}

export const textGreedy = defineAttack<TextGreedySettings>({
  name: "text-greedy",
  knowledge: "score",
  summary: "word by word, the most important first, the edit that helps most, on scores alone",
  source: "as TextFooler (arXiv:1907.11932) and DeepWordBug (arXiv:1801.04354)",
  defaults: { queries: 1000, candidates: 6, order: "importance" },
  choices: { order: ["importance", "random"] },
  norms: ["text"],
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  run: runGreedy,
});
