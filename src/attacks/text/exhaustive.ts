/**
 * Every text with one edit, then every text with two, and so on within the limits: the first success has the fewest edits. Where all of them fit the
 * budget, a sample that resists is proved to resist. Where those of two do not fit, scores say which edits to try together first: the sum of what
 * each does alone.
 */
import type { TextEdit } from "../../inputs/text/edits.ts";
import { type Conclusion, defineAttack, defineLabelAttack, type LabelSample, type Sample } from "../attack.ts";
import { type Asked, labelSearch, type Reached, ScoreSearch, toItsEnd } from "./search.ts";
import { EditSets } from "./sets.ts";

export type TextExhaustiveSettings = {
  readonly queries: number;
};

/** Lists of edits that are looked at for one sample; those that lead to the same text cost no query. */
const MOST_LISTS = 1_000_000;
/** Edits that are tried in pairs where not all pairs fit. */
const MOST_PAIRED = 500;

/** Texts that are asked together. */
const CHUNK = 256;

type Edits = readonly TextEdit[];

async function inChunks(lists: Iterable<Edits>, ask: (chunk: readonly Edits[]) => Promise<unknown>): Promise<void> {
  const chunk: Edits[] = [];
  for (const edits of lists) {
    chunk.push(edits);
    if (chunk.length === CHUNK) await ask(chunk.splice(0));
  }
  if (chunk.length > 0) await ask(chunk);
}

/** Asks every text; `ask` hears of single edits in an order of chance where they are too many. Whether nothing was left out. */
async function everyText(
  sample: LabelSample,
  asked: Asked<unknown>,
  ask: (chunk: readonly Edits[]) => Promise<unknown>,
): Promise<boolean> {
  const { space } = asked;
  const singles = [...space.all()];
  if (singles.length > asked.left) {
    await inChunks(
      sample.rng.shuffle(singles).map((edit) => [edit]),
      ask,
    );
    // The lists were longer than the budget, but they may have led to few texts.
    return space.most === 1;
  }
  const sets = new EditSets(space, singles);
  for (let count = 1; count <= space.most; count++) {
    if (sets.count(count) > (count === 1 ? MOST_LISTS : Math.min(MOST_LISTS, asked.left))) return false;
    await inChunks(sets.of(count), ask);
  }
  return true;
}

async function runByScores(sample: Sample, { queries }: TextExhaustiveSettings): Promise<Conclusion> {
  const search = new ScoreSearch(sample, queries);
  const singles: Reached[] = [];
  let all = false;
  await toItsEnd(async () => {
    all = await everyText(sample, search, async (chunk) => {
      const reached = await search.reachAll(chunk);
      singles.push(...reached.filter(({ edits }) => edits.length === 1));
    });
    if (!all) await likelyPairs(search, singles);
  });
  return all ? "exhausted" : undefined;
}

/** Pairs of single edits, those first that should do most together. */
async function likelyPairs(search: ScoreSearch, singles: readonly Reached[]): Promise<void> {
  if (search.space.most < 2) return;
  const best = [...singles].sort((a, b) => a.margin - b.margin).slice(0, MOST_PAIRED);
  const pairs = best.flatMap((one, i) =>
    best.slice(i + 1).flatMap((other) => {
      const edits = [...one.edits, ...other.edits];
      return search.space.allows(one.edits, other.edits[0]!) ? [{ edits, margin: one.margin + other.margin }] : [];
    }),
  );
  const likely = pairs.sort((a, b) => a.margin - b.margin).map(({ edits }) => edits);
  await inChunks(likely, (chunk) => search.reachAll(chunk));
}

async function runByLabels(sample: LabelSample, { queries }: TextExhaustiveSettings): Promise<Conclusion> {
  const asked = labelSearch(sample, queries);
  let all = false;
  await toItsEnd(async () => {
    all = await everyText(sample, asked, (chunk) => asked.answersTo(chunk.map((edits) => asked.space.text(edits))));
  });
  return all ? "exhausted" : undefined;
}

const common = {
  source: "own; one edit at every place is what garak and the paper on bad characters (arXiv:2106.09898) begin with",
  defaults: { queries: 2000 },
  norms: ["text"],
  cost: ({ queries }: TextExhaustiveSettings) => ({ queries, gradients: 0 }),
} as const;

export const textExhaustive = defineAttack<TextExhaustiveSettings>({
  ...common,
  name: "text-exhaustive",
  knowledge: "score",
  summary: "every text with one edit, then with two: exact where all that the threat allows fit the budget",
  run: runByScores,
});

export const textExhaustiveLabel = defineLabelAttack<TextExhaustiveSettings>({
  ...common,
  name: "text-exhaustive-label",
  summary: "every text with one edit, then with two, by labels alone: exact where all fit the budget",
  run: runByLabels,
});
