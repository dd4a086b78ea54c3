import { sha256 } from "../../base/hash.ts";
import { Rng } from "../../base/rng.ts";
import type { Drift } from "../classifier.ts";
import type { RowAnswer } from "./answers.ts";

const RANDOM_ROWS = 8;
/** Largest difference of scores, relative to their size, that another machine's rounding explains. */
const SAME = 1e-3;

/** What a target is known by: eight fixed random rows of 8-bit values, then rows of the user's data. */
export function probeRows(size: number, ofData: readonly Float32Array[]): Float32Array[] {
  const rng = Rng.of(0).fold("probes");
  const random = Array.from({ length: RANDOM_ROWS }, () =>
    Float32Array.from({ length: size }, () => rng.integer(256) / 255),
  );
  return [...random, ...ofData];
}

/** What a target of texts is known by, beside texts of the user's data. */
export const PROBE_TEXTS: readonly string[] = [
  "a",
  "0123456789",
  "The quick brown fox jumps over the lazy dog.",
  "FREE!!! Call 0800 123 456 now to claim your prize",
  "see you at 8 tonight, ok?",
  "na\u00efve caf\u00e9, \u00dcbung, \u0441\u043b\u043e\u0432\u043e",
  "zero\u200bwidth",
  "first line\nsecond line",
];

/** SHA-256 of what the probes answered; four digits survive another machine's rounding. */
export function fingerprintOf(answers: readonly RowAnswer[]): string {
  return sha256(answers.map((row) => row.map((value) => value.toPrecision(4)).join(",")).join(";"));
}

export function driftBetween(before: readonly RowAnswer[], after: readonly RowAnswer[]): Drift {
  const differing = before.filter((row, i) => !sameAnswer(row, after[i] ?? [])).length;
  return { differing, of: before.length };
}

function sameAnswer(a: RowAnswer, b: RowAnswer): boolean {
  const best = (row: RowAnswer) => row.indexOf(Math.max(...row));
  const close = a.every((value, i) => Math.abs(value - b[i]!) <= SAME * Math.max(1, Math.abs(value)));
  return a.length === b.length && close && best(a) === best(b);
}
