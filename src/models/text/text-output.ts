import { BlindspotError, type Problem } from "../../base/errors.ts";
import type { Model } from "../../graph/ir.ts";
import type { Session } from "../../runtime/runtime.ts";
import { isFloat, type Tensor } from "../../tensor/tensor.ts";
import type { ScoreMeaning } from "../classifier.ts";
import { formOf } from "../queried/answers.ts";
import { decodeRow, findScoreHead, type ScoreHead, scoreMeaning } from "../score-head.ts";
import type { TextFeed } from "./text-feed.ts";

export interface Asked {
  readonly session: Session;
  readonly feed: TextFeed;
  readonly head: ScoreHead;
  readonly classes: readonly string[];
  readonly label: string;
}

/** A pass of texts; where every pass must have so many rows, the last one fills the others. All outputs, or those named. */
export function runFeed(
  { session, feed }: Pick<Asked, "session" | "feed">,
  texts: readonly string[],
  outputs?: readonly string[],
): Promise<Record<string, Tensor>> {
  const filled = Array.from({ length: feed.fixedBatch ?? texts.length }, (_, i) => texts[i] ?? texts.at(-1)!);
  return session.run(feed.feeds(filled), outputs);
}

/** What the file gives for each text: see `decodeRow`. Throws `E_MODEL_OUTPUT` where that is no number, or no class. */
export async function runTexts(asked: Asked, texts: readonly string[]): Promise<Float32Array[]> {
  const output = (await runFeed(asked, texts, [asked.head.output]))[asked.head.output]!;
  return readRows(asked, output, asked.feed.fixedBatch ?? texts.length).slice(0, texts.length);
}

function readRows({ head, classes, label }: Omit<Asked, "session" | "feed">, output: Tensor, rows: number) {
  const perRow = output.data.length / rows;
  return Array.from({ length: rows }, (_, row): Float32Array => {
    const values = output.data.slice(row * perRow, (row + 1) * perRow);
    const numbers =
      output.dtype === "string"
        ? [classes.indexOf((values as readonly string[])[0]!)]
        : Array.from(values as ArrayLike<number | bigint>, Number);
    const legal = head.kind === "label" ? (value: number) => value >= 0 && value < head.classes : Number.isFinite;
    if (numbers.every(legal)) return decodeRow(head, numbers);
    throw new BlindspotError({
      code: "E_MODEL_OUTPUT",
      subject: label,
      expected: head.kind === "label" ? `a class out of ${classes.join(", ")}` : "finite numbers",
      got: `${head.output}: ${Array.from(values as ArrayLike<unknown>, String).join(", ")}`,
    });
  });
}

/**
 * Finds what decides the class. A file that gives nothing but classes, as their names or indices, is a model of labels; `classes` must be known then.
 * @param results what the model gave for `rows` texts
 * Throws `E_MODEL_OUTPUT`.
 */
export function findTextHead(
  model: Model,
  results: Readonly<Record<string, Tensor>>,
  rows: number,
  wanted: string | undefined,
  classes: readonly string[] | null | undefined,
): ScoreHead {
  try {
    return findScoreHead(model, results, rows, wanted);
  } catch (error) {
    const labels = model.graph.outputs.filter(({ name }) => {
      const result = results[name];
      const fits = result !== undefined && !isFloat(result.dtype) && result.data.length === rows;
      return fits && (wanted === undefined || wanted === name);
    });
    const [value] = labels;
    if (value === undefined || labels.length > 1 || !(error instanceof BlindspotError)) throw error;
    if (classes != null)
      return { output: value.name, kind: "label", classes: classes.length, logits: value, stripped: null };
    throw new BlindspotError(error.problems.map(withClassesHint));
  }
}

const withClassesHint = (problem: Problem): Problem => ({
  ...problem,
  hint: `${problem.hint} A model that gives classes alone needs their names: --classes`,
});

/** What the numbers are: as the graph shows, or else as they look on the texts that were tried. */
export function meaningOf(head: ScoreHead, given: readonly Float32Array[]): ScoreMeaning {
  if (head.kind !== "scores" || head.stripped !== null) return scoreMeaning(head);
  return formOf(
    "scores",
    given.map((row) => Array.from(row)),
  ).meaning;
}
