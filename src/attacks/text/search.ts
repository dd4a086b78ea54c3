import { textOf, textPoint } from "../../inputs/text/code-points.ts";
import { EditSpace } from "../../inputs/text/edit-space.ts";
import type { TextEdit } from "../../inputs/text/edits.ts";
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

/** Asks texts within a budget. A text that was asked before is answered from memory: it is no query. */
export class Asked<Answer> {
  readonly space: EditSpace;
  /** Queries that are left. */
  left: number;
  private readonly size: number;
  private readonly ask: (point: Float32Array) => Promise<Answer>;
  private readonly answers = new Map<string, Answer>();

  constructor({ x0, threat }: LabelSample, queries: number, ask: (point: Float32Array) => Promise<Answer>) {
    this.space = new EditSpace(textOf(x0), threat.text!);
    this.size = x0.length;
    this.left = queries;
    this.ask = ask;
  }

  /** Null for a text that has no room in a point. */
  async answer(text: string): Promise<Answer | null> {
    const known = this.answers.get(text);
    if (known !== undefined) return known;
    if (text.length > this.size && [...text].length > this.size) return null;
    if (this.left === 0) throw new Spent();
    this.left--;
    const answer = await this.ask(textPoint(text, this.size));
    this.answers.set(text, answer);
    return answer;
  }
}

/** Edits that a search has made, and how far the answer to them is from the goal: the lower the better. */
export interface Reached {
  readonly edits: readonly TextEdit[];
  readonly margin: number;
}

/** A search that sees scores. */
export class ScoreSearch extends Asked<number> {
  readonly clean: Reached;

  constructor(sample: Sample, queries: number) {
    super(sample, queries, async (point) => sample.margin((await sample.scores(point)).scores));
    this.clean = { edits: [], margin: sample.margin(sample.cleanScores) };
  }

  async reach(edits: readonly TextEdit[]): Promise<Reached> {
    return { edits, margin: (await this.answer(this.space.text(edits))) ?? Infinity };
  }

  /** The targets of the text, first that without which the margin is least: one query for each. */
  async byImportance(): Promise<Span[]> {
    const ranked: { target: Span; margin: number }[] = [];
    for (const target of this.space.targets)
      ranked.push({ target, margin: (await this.answer(this.space.without(target))) ?? Infinity });
    return ranked.sort((a, b) => a.margin - b.margin || a.target.start - b.target.start).map(({ target }) => target);
  }
}
