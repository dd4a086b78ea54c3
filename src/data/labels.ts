import type { Problem } from "../base/errors.ts";
import type { Dataset } from "./dataset.ts";
import { RecordProblems } from "./problems.ts";

export interface ResolvedLabels {
  readonly labels: Int32Array;
  readonly classes: readonly string[] | null;
}

const INTEGER = /^-?\d+(\.0+)?$/;

/** By code point, so that every machine sorts alike. Numbers are sorted as numbers. */
export function sortNames(names: readonly string[]): string[] {
  const numeric = names.every((name) => /^\d+$/.test(name));
  return [...names].sort((a, b) => (numeric ? Number(a) - Number(b) : 0) || compareCodePoints(a, b));
}

function compareCodePoints(a: string, b: string): number {
  const left = Array.from(a, (character) => character.codePointAt(0)!);
  const right = Array.from(b, (character) => character.codePointAt(0)!);
  const at = left.findIndex((point, i) => point !== right[i]);
  return at < 0 ? left.length - right.length : left[at]! - (right[at] ?? -1);
}

/**
 * Labels as written in a source (names or indices) to class indices.
 * With `classes` (the model's, in the order of its outputs): all are names of classes, or all are indices into them.
 * Without: integers are indices; names are sorted. `where` says where record i is.
 */
export function resolveLabels(
  raw: readonly string[],
  classes: readonly string[] | undefined,
  subject: string,
  where: (record: number) => string,
): ResolvedLabels {
  const distinct = [...new Set(raw)];
  const integers = distinct.every((label) => INTEGER.test(label));
  const names = classes ?? (integers ? null : sortNames(distinct));
  const indexOf = new Map(names?.map((name, index) => [name, index]));
  const byName = names !== null && (!integers || distinct.every((label) => indexOf.has(label)));
  const limit = names?.length ?? 2 ** 31;
  const resolve = (label: string): number | undefined => {
    if (byName) return indexOf.get(label);
    const index = Number(label);
    return index >= 0 && index < limit ? index : undefined;
  };
  const problems = new RecordProblems(subject);
  const table = new Map(distinct.map((label) => [label, resolve(label)]));
  for (const [label, index] of table)
    if (index === undefined)
      problems.add({
        code: "E_DATA_LABEL",
        where: where(raw.indexOf(label)),
        expected: expectation(names),
        got: `'${label}'`,
      });
  problems.throwIfAny("Give --classes in the order of the model's outputs");
  return { labels: Int32Array.from(raw, (label) => table.get(label)!), classes: names };
}

function expectation(names: readonly string[] | null): string {
  if (names === null) return "a class index, 0 or more";
  const shown = names.slice(0, 5).join(", ");
  return `one of the ${names.length} classes (${shown}${names.length > 5 ? ", .." : ""}) or 0..${names.length - 1}`;
}

/** Labels that a model of so many classes can't have: empty if data and model fit. */
export function labelProblems(dataset: Dataset, classCount: number): Problem[] {
  const beyond = [...new Set(dataset.labels)].filter((label) => label >= classCount).sort((a, b) => a - b);
  return beyond.slice(0, 10).map((label) => ({
    code: "E_DATA_LABEL",
    subject: dataset.spec,
    where: `sample ${dataset.labels.indexOf(label)}`,
    expected: `a class of the model, 0..${classCount - 1}`,
    got: `${label}`,
    hint: "Give --classes in the order of the model's outputs",
  }));
}
