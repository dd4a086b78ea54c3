import { z } from "zod";
import { digest } from "./schema/common.ts";

/** `run.json`: what decided the run, and what it wrote. */
export const RUN_SCHEMA = "blindspot-run/1";

/** Answers that a queried model was paid for. */
export const JOURNAL_FILE = "journal.jsonl";
/** A surrogate that was trained from answers of the model. */
export const SURROGATE_FILE = "surrogate.onnx";
/** What may lie in a folder before its run does. */
export const BEFORE_THE_RUN: readonly string[] = [JOURNAL_FILE, `${JOURNAL_FILE}.lock`, SURROGATE_FILE];

export const runSchema = z.object({
  schema: z.literal(RUN_SCHEMA),
  identity: z.record(z.string(), z.unknown()),
  seconds: z.number().nonnegative(),
  files: z.record(z.string(), digest).optional().describe("SHA-256 of each file of a finished run, by name"),
});
export type RunFile = z.infer<typeof runSchema>;

export function runText(run: Omit<RunFile, "schema">): string {
  return `${JSON.stringify({ schema: RUN_SCHEMA, ...run }, null, 2)}\n`;
}

/** Undefined if the text is no JSON: what the parser says would quote the file. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
