/**
 * Greedy search over the words of a text, those first without which the answer changes most (Jin et al., TextFooler, arXiv:1907.11932; Gao et al.,
 * DeepWordBug, arXiv:1801.04354).
 *
 * Differences from the papers: which words matter is found by halving, and a word is edited as soon as it is known to be the next; an edit that does what
 * leaving the word out does is enough; once as many edits are made as are allowed, the one that does least gives way to a better one; edits are of every
 * kind that the threat allows, not words alone; a text that its best edits leave far from the goal is given up.
 */
import type { Rng } from "../../base/rng.ts";
import { defineAttack, type Sample } from "../attack.ts";
import { type Ranked, type Reached, ScoreSearch, toItsEnd } from "./search.ts";

export type TextGreedySettings = {
  /** In all. */
  readonly queries: number;
  /** Edits tried of each word at a time. */
  readonly candidates: number;
};

/** An edit that lowers the margin by so much of what leaving its word out does is as good as any. */
const ENOUGH = 0.9;
/** An edit may do more than leaving its word out does, and better edits more than the first that were found, but seldom twice as much. */
const HOPE = 2;

async function runGreedy(sample: Sample, { queries, candidates }: TextGreedySettings): Promise<void> {
  const search = new ScoreSearch(sample, queries);
  await toItsEnd(async () => {
    const climb = new Climb(search, sample.rng, candidates);
    const words: Ranked[] = [];
    for await (const word of search.byImportance((drop) => climb.isOver(drop))) {
      words.push(word);
      if (climb.hasRoom || word.drop > climb.leastGain) await climb.oneByOne(word);
    }
    for (let before = Infinity; climb.isHopeful && climb.best.margin < before; ) {
      before = climb.best.margin;
      for (const word of words) if (climb.mayNeed(word)) await climb.together(word);
    }
  });
}

/** The best edits so far, and by how much each lowered the margin when it was made. */
class Climb {
  best: Reached;
  private gains: readonly number[] = [];
  private readonly search: ScoreSearch;
  private readonly rng: Rng;
  private readonly candidates: number;

  constructor(search: ScoreSearch, rng: Rng, candidates: number) {
    this.search = search;
    this.rng = rng;
    this.candidates = candidates;
    this.best = search.clean;
  }

  get hasRoom(): boolean {
    return this.best.edits.length < this.search.space.most;
  }

  /** By all edits together. */
  private get gained(): number {
    return this.search.clean.margin - this.best.margin;
  }

  /** Whether the goal is near enough for better edits. */
  get isHopeful(): boolean {
    return HOPE * this.gained > this.search.clean.margin;
  }

  /** Of the edit that does least. */
  get leastGain(): number {
    return Math.min(...this.gains);
  }

  /** Whether a better edit of this word, in the place of the one that does least, may help to reach the goal. */
  mayNeed({ drop }: Ranked): boolean {
    if (this.hasRoom) return true;
    const others = this.gained - this.leastGain;
    return HOPE * drop > this.leastGain && HOPE * (others + drop) > this.search.clean.margin;
  }

  /** Whether words that matter as little as this need not be told apart any more. */
  isOver(drop: number): boolean {
    return !this.hasRoom && !this.isHopeful && HOPE * drop <= this.leastGain;
  }

  /** Tries edits of a word until one is good enough. */
  async oneByOne({ target, drop }: Ranked): Promise<void> {
    const base = this.base(target);
    const tried: Reached[] = [];
    for (const edits of this.proposals(base, target)) {
      const reached = await this.search.reach(edits);
      tried.push(reached);
      if (base.margin - reached.margin >= ENOUGH * drop) break;
    }
    this.take(tried, base);
  }

  /** Tries several edits of a word at once. */
  async together({ target }: Ranked): Promise<void> {
    const base = this.base(target);
    this.take(await this.search.reachAll(this.proposals(base, target)), base);
  }

  /** What a new edit comes on top of: where all are made, not the one of the same word, or else the one that does least. */
  private base({ start, end }: Ranked["target"]): Reached & { readonly gains: readonly number[] } {
    const { best, gains } = this;
    if (this.hasRoom) return { ...best, gains };
    const own = best.edits.findIndex((edit) => edit.start >= start && edit.end <= end);
    const gone = own >= 0 ? own : gains.indexOf(this.leastGain);
    const others = <T>(list: readonly T[]): T[] => list.filter((_, i) => i !== gone);
    return { edits: others(best.edits), gains: others(gains), margin: best.margin + gains[gone]! };
  }

  private proposals({ edits }: Reached, target: Ranked["target"]): Reached["edits"][] {
    const { space } = this.search;
    const proposed = this.search.proposals(target, this.rng, this.candidates);
    return proposed.filter((edit) => space.allows(edits, edit)).map((edit) => [...edits, edit]);
  }

  private take(tried: readonly Reached[], base: ReturnType<Climb["base"]>): void {
    for (const reached of tried)
      if (reached.margin < this.best.margin) {
        this.best = reached;
        this.gains = [...base.gains, base.margin - reached.margin];
      }
  }
}

export const textGreedy = defineAttack<TextGreedySettings>({
  name: "text-greedy",
  knowledge: "score",
  summary: "word by word, the most important first, the edit that helps most, on scores alone",
  source: "as TextFooler (arXiv:1907.11932) and DeepWordBug (arXiv:1801.04354)",
  defaults: { queries: 1000, candidates: 6 },
  norms: ["text"],
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  run: runGreedy,
});
