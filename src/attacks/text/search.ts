import type { Rng } from "../../base/rng.ts";
import { textOf } from "../../inputs/text/code-points.ts";
import { EditSpace } from "../../inputs/text/edit-space.ts";
import type { TextEdit } from "../../inputs/text/edits.ts";
import { segmentsOf } from "../../inputs/text/known.ts";
import type { Span } from "../../inputs/text/segments.ts";
import type { LabelSample, Sample } from "../attack.ts";

/** Thrown where a search has spent its own queries. */
class Spent extends Error {}

/** Runs a search until it ends or its queries are spent: whether it came to its end. */
export async function toItsEnd(search: () => Promise<void>): Promise<boolean> {
  try {
    await search();
    return true;
  } catch (error) {
    if (!(error instanceof Spent)) throw error;
    return false;
  }
}

/**
 * Asks texts within a budget. A text that was asked before is answered from memory, and so is one that the model can't tell from such a text, where that is
 * known: it is no query.
 */
export class Asked<Answer> {
  readonly space: EditSpace;
  /** Queries that are left. */
  left: number;
  private readonly size: number;
  private readonly ask: (texts: readonly string[]) => Promise<readonly Answer[]>;
  private readonly textKey: LabelSample["textKey"];
  /** Of the clean text. */
  private readonly cleanKey: string;
  /** By what the model can tell apart. */
  private readonly answers = new Map<string, Answer>();

  /**
   * @param clean the answer to the clean text
   * @param ask answers texts
   */
  constructor(
    { x0, threat, textKey }: LabelSample,
    queries: number,
    clean: Answer,
    ask: (texts: readonly string[]) => Promise<readonly Answer[]>,
  ) {
    const text = textOf(x0);
    this.space = new EditSpace(text, threat.text!, segmentsOf(x0));
    this.size = x0.length;
    this.left = queries;
    this.ask = ask;
    this.textKey = textKey;
    this.cleanKey = this.keyOf(text);
    this.answers.set(this.cleanKey, clean);
  }

  /** Edits of a target that the model can see. */
  proposals(target: Span, rng: Rng, count: number): TextEdit[] {
    return this.space.proposals(target, rng, count, (edit) => this.keyOf(this.space.text([edit])) !== this.cleanKey);
  }

  /** Null for a text that has no room in a point. */
  async answer(text: string): Promise<Answer | null> {
    return (await this.answersTo([text]))[0]!;
  }

  /** The same for many texts: all that are new go together. */
  async answersTo(texts: readonly string[]): Promise<(Answer | null)[]> {
    const { size } = this;
    const fits = (text: string) => text.length <= size || [...text].length <= size;
    const keys = texts.map((text) => this.keyOf(text));
    const unknown = new Map(keys.map((key, i) => [key, texts[i]!]));
    const all = [...unknown].filter(([key, text]) => !this.answers.has(key) && fits(text));
    const sent = all.slice(0, this.left);
    if (sent.length > 0) {
      this.left -= sent.length;
      const answers = await this.ask(sent.map(([, text]) => text));
      for (const [i, [key]] of sent.entries()) this.answers.set(key, answers[i]!);
    }
    if (sent.length < all.length) throw new Spent();
    return keys.map((key) => this.answers.get(key) ?? null);
  }

  private keyOf(text: string): string {
    return this.textKey === null ? text : this.textKey(text);
  }
}

/** A search that sees labels, and goes on while they are right. */
export function labelSearch(sample: LabelSample, queries: number): Asked<false> {
  return new Asked<false>(sample, queries, false, async (texts) => {
    await sample.misleadsAny(texts);
    return texts.map(() => false as const);
  });
}

/** Edits that a search has made, and how far the answer to them is from the goal: the lower the better. */
export interface Reached {
  readonly edits: readonly TextEdit[];
  readonly margin: number;
}

/** A target, and by how much the margin is lower without it: as it was measured, or as the rest of what is lower without several. */
export interface Ranked {
  readonly target: Span;
  readonly drop: number;
}

/** A search that sees scores. */
export class ScoreSearch extends Asked<number> {
  readonly clean: Reached;

  constructor(sample: Sample, queries: number) {
    const clean = sample.margin(sample.cleanScores);
    super(sample, queries, clean, async (texts) => {
      const scores = await sample.scoresOf(texts);
      const { classes } = sample;
      return texts.map((_, i) => sample.margin(scores.subarray(i * classes, (i + 1) * classes)));
    });
    this.clean = { edits: [], margin: clean };
  }

  async reach(edits: readonly TextEdit[]): Promise<Reached> {
    return (await this.reachAll([edits]))[0]!;
  }

  async reachAll(lists: readonly (readonly TextEdit[])[]): Promise<Reached[]> {
    const margins = await this.answersTo(lists.map((edits) => this.space.text(edits)));
    return lists.map((edits, i) => ({ edits, margin: margins[i] ?? Infinity }));
  }

  /**
   * The targets of the text, first that on which the answer depends most, found by halving: the half whose absence lowers the margin more is taken apart
   * first. Below quarters of the text what the other half does is the rest of what both do together, so that a few queries lead to the first targets, and one for
   * each to all of them. Above, it is asked, too: of a text of which half is gone, models weigh the rest more, so that the rest of the whole says little.
   * @param isOver whether targets without which the margin is lower by so much at most are of no use
   */
  async *byImportance(isOver: (drop: number) => boolean = () => false): AsyncGenerator<Ranked> {
    const { targets } = this.space;
    const open: Group[] = targets.length === 0 ? [] : [{ targets, drop: Infinity }];
    while (open.length > 0) {
      open.sort((a, b) => a.drop - b.drop);
      const { targets: some, drop } = open.pop()!;
      if (isOver(drop)) return;
      if (some.length === 1) {
        yield { target: some[0]!, drop };
        continue;
      }
      const middle = Math.ceil(some.length / 2);
      const [left, right] = [some.slice(0, middle), some.slice(middle)];
      const leftDrop = await this.dropWithout(left);
      const asked = some.length >= targets.length / 2;
      open.push(
        { targets: left, drop: leftDrop },
        { targets: right, drop: asked ? await this.dropWithout(right) : drop - leftDrop },
      );
    }
  }

  private async dropWithout(targets: readonly Span[]): Promise<number> {
    return this.clean.margin - ((await this.answer(this.space.without(targets))) ?? Infinity);
  }
}

/** Targets, and by how much the margin is lower without them. */
interface Group {
  readonly targets: readonly Span[];
  readonly drop: number;
}
