import { BlindspotError, type Problem } from "../../base/errors.ts";
import type { ScoreMeaning } from "../classifier.ts";
import type { RawAnswer } from "./transport.ts";

/** One row's answer: numbers per class as given, or the index of a class. */
export type RowAnswer = readonly number[];

/** What a target's answers look like. It is read off the first ones; later ones must keep to it. */
export interface AnswerForm {
  readonly output: "scores" | "label";
  /** Numbers of one answered row of scores: 1 for the score of class 1 alone. */
  readonly width: number;
  readonly meaning: ScoreMeaning;
}

/** A logarithm must stay finite where a target rounds a probability to 0. */
const LEAST_PROBABILITY = 1e-30;
/** Rounded to two digits, shares of few classes still sum to one within this. */
const SUM_TOLERANCE = 0.02;

/**
 * Reads what came for `count` rows. All that is wrong with it is reported at once: rows that are missing or too many, of unequal width, not
 * numbers, NaN, unknown classes. Throws `E_ANSWER`.
 * @param classes names in the order of scores, where they are known: for labels by name and scores by name
 */
export function readAnswers(
  name: string,
  answer: RawAnswer,
  count: number,
  classes: readonly string[] | null,
): { readonly output: "scores" | "label"; readonly rows: readonly RowAnswer[] } {
  const output = answer.scores === undefined ? "label" : "scores";
  const given = answer.scores ?? answer.labels;
  const fail = (facts: Omit<Problem, "code" | "subject">): never => {
    throw new BlindspotError({ code: "E_ANSWER", subject: name, ...facts });
  };
  const list = listOf(given);
  if (list === null)
    return fail({ expected: `scores or labels of ${count} ${count === 1 ? "row" : "rows"}`, got: kindOf(given) });
  if (list.length !== count)
    return fail({ expected: `answers for ${count} ${count === 1 ? "row" : "rows"}`, got: `${list.length}` });
  const problems: Problem[] = [];
  const rows = list.map((entry, i): RowAnswer => {
    const read = output === "scores" ? readScores(entry, classes) : readLabel(entry, classes);
    if (typeof read !== "string") return read;
    problems.push({ code: "E_ANSWER", subject: name, where: `row ${i}`, got: read });
    return [];
  });
  const width = rows[0]!.length;
  rows.forEach((row, i) => {
    if (row.length > 0 && width > 0 && row.length !== width)
      problems.push({
        code: "E_ANSWER",
        subject: name,
        where: `row ${i}`,
        expected: `${width} scores, as in row 0`,
        got: `${row.length}`,
      });
  });
  if (problems.length > 0) throw new BlindspotError(problems);
  return { output, rows };
}

function listOf(value: unknown): readonly unknown[] | null {
  if (Array.isArray(value)) return value as unknown[];
  return ArrayBuffer.isView(value) && !(value instanceof DataView) ? Array.from(value as never) : null;
}

/** Whether the first row of a bare list is one of scores: a list or an object by class name. */
export function listsScores([first]: readonly unknown[]): boolean {
  return typeof first === "object" && first !== null;
}

/** An answer's content stays out of messages. */
function kindOf(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  return Array.isArray(value) ? "a list" : typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** The scores of one row, or what is wrong with them. */
function readScores(entry: unknown, classes: readonly string[] | null): number[] | string {
  // One number: the score of class 1 of two.
  if (typeof entry === "number") return Number.isFinite(entry) ? [entry] : String(entry);
  const list = listOf(entry) ?? byName(entry, classes);
  if (typeof list === "string") return list;
  if (list.length === 0) return "no scores";
  const wrong = list.find((value) => typeof value !== "number" || !Number.isFinite(value));
  if (wrong !== undefined) return typeof wrong === "number" ? String(wrong) : `${kindOf(wrong)} among the scores`;
  return list as number[];
}

/** `{ cat: 0.9, dog: 0.1 }` */
function byName(entry: unknown, classes: readonly string[] | null): readonly unknown[] | string {
  if (typeof entry !== "object" || entry === null) return `${kindOf(entry)} in place of scores`;
  if (classes === null) return "scores by name, but no class names are known (give --classes)";
  const unknown = Object.keys(entry).find((key) => !classes.includes(key));
  if (unknown !== undefined) return "a score for a class that is not among the class names";
  const absent = classes.find((name) => !Object.hasOwn(entry, name));
  return absent === undefined
    ? classes.map((name) => (entry as Record<string, unknown>)[name])
    : `no score for class '${absent}'`;
}

function readLabel(entry: unknown, classes: readonly string[] | null): number[] | string {
  // A list of one is what a column of labels gives for each row.
  const [value] = Array.isArray(entry) && entry.length === 1 ? (entry as unknown[]) : [entry];
  // Names first: classes may be called "3", "5" and "7".
  const named = classes === null || typeof value === "object" ? -1 : classes.indexOf(String(value));
  if (named >= 0) return [named];
  const index = typeof value === "bigint" ? Number(value) : value;
  if (typeof index === "number" && Number.isSafeInteger(index) && index >= 0 && index < (classes?.length ?? Infinity))
    return [index];
  if (typeof index === "string")
    return classes === null
      ? "a label by name, but no class names are known (give --classes)"
      : "a label that is not among the class names";
  return typeof index === "number" ? `label ${index}` : `${kindOf(value)} in place of a label`;
}

/** What all rows of the first answers have in common. */
export function formOf(output: "scores" | "label", rows: readonly RowAnswer[]): AnswerForm {
  if (output === "label") return { output, width: 1, meaning: "label" };
  const width = rows[0]!.length;
  const inUnit = rows.every((row) => row.every((value) => value >= 0 && value <= 1));
  const whole = width === 1 || rows.every(sumsToOne);
  return { output, width, meaning: !inUnit ? "logits" : whole ? "probabilities" : "independent-probabilities" };
}

function sumsToOne(row: RowAnswer): boolean {
  return Math.abs(row.reduce((sum, value) => sum + value, 0) - 1) <= SUM_TOLERANCE;
}

/** Why this row can't come from a target that answers so; null where it can. */
export function breachOf(form: AnswerForm, output: "scores" | "label", row: RowAnswer): string | null {
  if (output !== form.output) return `${output} from a target that gave ${form.output}`;
  if (row.length !== form.width) return `${row.length} scores from a target that gave ${form.width}`;
  if (form.meaning === "logits" || form.meaning === "label") return null;
  if (row.some((value) => value < 0 || value > 1)) return "scores outside 0..1 from a target that gave probabilities";
  return form.meaning === "probabilities" && form.width > 1 && !sumsToOne(row)
    ? "scores that do not sum to 1 from a target that gave probabilities"
    : null;
}

/** Scores per class as the target gives them: what decides about a finding, and is shown. */
export function givenScores(form: AnswerForm, row: RowAnswer, classes: number): Float32Array {
  if (form.output === "label") return Float32Array.from({ length: classes }, (_, i) => (i === row[0] ? 1 : 0));
  if (form.width > 1) return Float32Array.from(row);
  return form.meaning === "logits" ? Float32Array.of(0, row[0]!) : Float32Array.of(1 - row[0]!, row[0]!);
}

/** Scores as attacks take them. */
export function attackScores(form: AnswerForm, row: RowAnswer, classes: number): Float32Array {
  return likeLogits(form.meaning, givenScores(form, row, classes));
}

/**
 * Of probabilities the logarithm: differences of it are differences of the logits behind, so that a margin does not vanish where a probability is
 * near 1.
 */
export function likeLogits(meaning: ScoreMeaning, scores: Float32Array): Float32Array {
  return meaning === "probabilities" ? scores.map((p) => Math.log(Math.max(p, LEAST_PROBABILITY))) : scores;
}
