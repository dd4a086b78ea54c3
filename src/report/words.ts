import type { Finding, Result, ThreatResult } from "../assess/schema.ts";
import { epsilonText, grouped, percent, plural } from "./format.ts";

/** Terms of the field in plain words; shared by every report. */

export type Knowledge = Finding["threatModel"]["knowledge"];

/** What an attacker of this profile has in hand. */
export const WHO: Readonly<Record<Knowledge, string>> = {
  "white-box": "an attacker who has the model",
  score: "an attacker who only sees its scores",
  label: "an attacker who only sees its decisions",
  transfer: "an attacker who only has another model",
};

/** What this attacker knows, as the object of "knows". */
export const KNOWS: Readonly<Record<Knowledge, string>> = {
  "white-box": "the model itself, with its gradients",
  score: "the scores that the model gives to any input",
  label: "the class that the model gives to any input, without scores",
  transfer: "another model for the same task (a surrogate), and tries on this one what fools that one",
};

/** `linf:8/255` of `linf:8/255;uint8;untargeted`: the threat as it is typed. */
export function threatName(id: string): string {
  return id.split(";")[0]!;
}

/** What a model that can only be asked was asked in the whole run. */
export function askedText({ queries, cost, remembered, retries }: NonNullable<Result["asked"]>): string {
  return [
    `${grouped(queries)} queries sent`,
    ...(cost > 0 ? [`at a cost of ${cost.toFixed(2)}`] : []),
    ...(remembered > 0 ? [`${grouped(remembered)} more answered from memory`] : []),
    ...(retries > 0 ? [`${plural(retries, "request")} sent again`] : []),
  ].join(", ");
}

/** How the attacker's own model was trained from answers of the target, and how near it came. */
export function surrogateText(facts: NonNullable<Result["model"]["surrogate"]>): string {
  const { queries, start, rounds, architecture, agreement } = facts;
  const network = architecture === "cnn" ? "a small convolutional network" : "a network of two hidden layers";
  const { agree, of } = agreement;
  return `${network}, trained from ${grouped(queries)} answers (${plural(start, "input")} and ${plural(rounds, "round")} of augmentation); agrees with the model on ${percent(agreement.value)} of ${of} held-out inputs (${agree})`;
}

/** The name of a norm as people say it. */
export const NORMS: Readonly<Record<ThreatResult["norm"], string>> = {
  linf: "L-inf",
  l2: "L2",
  l1: "L1",
  l0: "L0",
  fields: "fields",
  text: "edits",
};

export interface Limit {
  readonly norm: string;
  readonly epsilon: number;
  /** Of the threat. */
  readonly id: string;
  readonly modality: Finding["subject"]["modality"];
}

/** What the attacker may change, as a clause: `every value by at most 8/255 of its range (L-inf)`. */
export function limitText({ norm, epsilon, id, modality }: Limit): string {
  const size = epsilonText(epsilon);
  const part = modality === "image" ? "pixel" : "field";
  switch (norm) {
    case "linf":
      return `every value by at most ${size} of its range (L-inf)`;
    case "l2":
      return `all values together by a Euclidean length of at most ${size} (L2; each value scaled to 0..1)`;
    case "l1":
      return `all values together by a sum of at most ${size} (L1; each value scaled to 0..1)`;
    case "fields":
      return `at most ${size} field${epsilon === 1 ? "" : "s"}, to values that the schema allows`;
    case "text":
      return textLimit(threatName(id));
    default: {
      const unit = /\bcount=channels\b/.test(id) ? "value" : part;
      return `at most ${size} ${unit}${epsilon === 1 ? "" : "s"}, as far as it likes (L0)`;
    }
  }
}

const EDITS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  invisible: ["one inserted invisible character", "N inserted invisible characters"],
  homoglyphs: ["one letter replaced by a look-alike", "N letters replaced by look-alikes"],
  reorderings: [
    "one run of letters turned around and shown as before",
    "N runs of letters turned around and shown as before",
  ],
  characters: ["one typed character", "N typed characters"],
  words: ["one word replaced by a synonym", "N words replaced by synonyms"],
};

/** What `text:invisible=2+words=1` lets an attacker change: `the text by at most 2 inserted invisible characters and one word ...` */
function textLimit(name: string): string {
  const parts = name
    .slice(name.indexOf(":") + 1)
    .split("+")
    .map((part) => {
      const [kind = "", count = ""] = part.split("=");
      const words = EDITS[kind];
      return words === undefined ? part : count === "1" ? words[0] : words[1].replace("N", count);
    });
  return `the text by at most ${parts.join(" and ")}`;
}

/** The size of a change in a threat's own norm. */
export function changeIn(norm: string, { magnitude }: Pick<Finding["perturbation"], "magnitude">): number {
  const { l0, l1, l2, linf, fields = l0, edits = l0 } = magnitude;
  const sizes: Readonly<Record<string, number>> = { l0, l1, l2, linf, fields, text: edits };
  return sizes[norm] ?? linf;
}

/** A value of a field as reports print it. Rows hold what is submitted, so that no digit is lost; other numbers are rounded to `digits`. */
export function fieldText(value: string | number | boolean, digits?: number): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return value;
  if (digits !== undefined) return String(Number(value.toPrecision(digits)));
  return Number.isInteger(value) ? grouped(value) : String(value);
}

/** How many digits of a finding's numbers to print: all of a row's. */
export function fieldDigits({ subject }: Pick<Finding, "subject">, digits: number): number | undefined {
  return subject.modality === "row" ? undefined : digits;
}
