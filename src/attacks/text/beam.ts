/**
 * Beam search: single edits of the most important words are ranked by what each does alone, then added to the best few texts, again and again
 * (a beam of 8 reaches what population methods reach, in a tenth of their queries: Yoo et al., arXiv:2009.06368). The best text is never lost: whatever
 * reaches the goal is judged when it is asked.
 */
import { defineAttack, type Sample } from "../attack.ts";
import { type Reached, ScoreSearch, toItsEnd } from "./search.ts";

export type TextBeamSettings = {
  /** In all. */
  readonly queries: number;
  /** Texts that are kept in each round. */
  readonly width: number;
  /** Edits that are tried on each of them. */
  readonly branch: number;
  /** Edits tried of each word, alone. */
  readonly candidates: number;
};

async function runBeam(sample: Sample, { queries, width, branch, candidates }: TextBeamSettings): Promise<void> {
  const search = new ScoreSearch(sample, queries);
  const { space, clean } = search;
  await toItsEnd(async () => {
    const ranked = await rankedSingles(search, sample, candidates, queries / 3);
    let beam = ranked.slice(0, width);
    for (let made = 1; made < space.most && beam.length > 0; made++) {
      // What a text should come to with one more edit, if edits did together what they do alone.
      const likely = beam.flatMap(({ edits, margin }) =>
        ranked
          .filter((one) => space.allows(edits, one.edits[0]!))
          .slice(0, branch)
          .map((one) => ({ edits: [...edits, ...one.edits], margin: margin + one.margin - clean.margin })),
      );
      // Each round has its share of what is left.
      const share = Math.ceil(search.left / (space.most - made));
      const asked = await search.reachAll(
        distinct(search, likely)
          .sort(byMargin)
          .slice(0, share)
          .map(({ edits }) => edits),
      );
      beam = asked.sort(byMargin).slice(0, width);
    }
  });
}

/** One list of edits for each text. */
function distinct({ space }: ScoreSearch, lists: readonly Reached[]): Reached[] {
  return [...new Map(lists.map((one) => [space.text(one.edits), one])).values()];
}

/**
 * Single edits that help, ranked: first the best of each word, then the second best of each, and so on, since a word that is broken twice is no more
 * broken. No more than about `budget` queries. On the way the best that are known are tried together, where they should be enough.
 */
async function rankedSingles(
  search: ScoreSearch,
  { rng }: Sample,
  candidates: number,
  budget: number,
): Promise<Reached[]> {
  const { space, clean } = search;
  const floor = search.left - budget;
  let ranked: (Reached & { readonly place: number })[] = [];
  for await (const { target } of search.byImportance()) {
    if (search.left <= floor) break;
    const singles = await search.reachAll(search.proposals(target, rng, candidates).map((edit) => [edit]));
    const helpful = singles.filter(({ margin }) => margin < clean.margin).sort(byMargin);
    ranked = [...ranked, ...helpful.map((one, place) => ({ ...one, place }))].sort(
      (a, b) => a.place - b.place || byMargin(a, b),
    );
    let best: Reached = clean;
    for (const { edits, margin } of ranked)
      if (space.allows(best.edits, edits[0]!))
        best = { edits: [...best.edits, ...edits], margin: best.margin + margin - clean.margin };
    if (best.margin < 0) await search.reach(best.edits);
  }
  return ranked;
}

function byMargin(a: Reached, b: Reached): number {
  return a.margin - b.margin;
}

export const textBeam = defineAttack<TextBeamSettings>({
  name: "text-beam",
  knowledge: "score",
  summary: "the edits that do most alone, put together by beam search, on scores alone",
  source: "as measured by Yoo et al. (arXiv:2009.06368)",
  defaults: { queries: 2000, width: 8, branch: 12, candidates: 12 },
  norms: ["text"],
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  run: runBeam,
});
