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
  const { space } = search;
  await toItsEnd(async () => {
    const ranked = await rankedSingles(search, sample, candidates, queries / 3);
    let beam = ranked.slice(0, width);
    while (beam.length > 0 && beam[0]!.edits.length < space.most) {
      const next = new Map<string, Reached>();
      for (const { edits } of beam)
        for (const {
          edits: [edit],
        } of ranked.filter((one) => space.allows(edits, one.edits[0]!)).slice(0, branch)) {
          const reached = await search.reach([...edits, edit!]);
          next.set(space.text(reached.edits), reached);
        }
      beam = [...next.values()].sort(byMargin).slice(0, width);
    }
  });
}

/**
 * Single edits that help, ranked: first the best of each word, then the second best of each, and so on, since a word that is broken twice is no more
 * broken. No more than `budget` queries.
 */
async function rankedSingles(
  search: ScoreSearch,
  { rng }: Sample,
  candidates: number,
  budget: number,
): Promise<Reached[]> {
  const floor = search.left - budget;
  const ranked: { reached: Reached; place: number }[] = [];
  for (const word of await search.byImportance()) {
    const singles: Reached[] = [];
    for (const edit of search.space.proposals(word, rng, candidates))
      if (search.left > floor) singles.push(await search.reach([edit]));
    const helpful = singles.filter(({ margin }) => margin < search.clean.margin).sort(byMargin);
    ranked.push(...helpful.map((reached, place) => ({ reached, place })));
  }
  return ranked.sort((a, b) => a.place - b.place || byMargin(a.reached, b.reached)).map(({ reached }) => reached);
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
