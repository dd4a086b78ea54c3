import { closeSync, existsSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import { fileError } from "../../assess/files.ts";
import { BlindspotError } from "../../base/errors.ts";
import type { RowAnswer } from "../../models/queried/answers.ts";
import type { Journal } from "../../models/queried/journal.ts";
import { lockFile } from "./file-lock.ts";

const SCHEMA = "blindspot-journal/1";
const answer = z.array(z.number());
const headerSchema = z.object({ schema: z.literal(SCHEMA), target: z.string() });
const lineSchema = z.union([
  z.strictObject({ sent: z.int().positive() }),
  z.strictObject({ probes: z.array(answer) }),
  z.strictObject({ answers: z.record(z.string(), answer) }),
]);

/**
 * A journal in a file of JSON Lines, begun or read back. Lines are written at once, so that a killed program has lost at most the answers that
 * were under way; a last line that was cut short is dropped. It holds hashes of what was asked, and scores: no inputs, no secrets. Two processes
 * would pay for the same answers, so the second is refused (`E_LOCKED`).
 * @param target what is asked and how: answers of another one are refused
 */
export function openJournal(path: string, target: string): Journal {
  const known = new Map<string, RowAnswer>();
  let sentBefore = 0;
  let probes: readonly RowAnswer[] | null = null;
  let file: number;
  let release = () => {};
  try {
    mkdirSync(dirname(path), { recursive: true });
    release = lockFile(path);
    const lines = readLines(path);
    if (lines.length > 0) requireTarget(path, lines[0]!, target);
    for (const [i, line] of lines.slice(1).entries()) {
      const read = lineSchema.safeParse(parse(line));
      if (!read.success) throw damaged(path, `line ${i + 2}`);
      if ("sent" in read.data) sentBefore += read.data.sent;
      else if ("probes" in read.data) probes = read.data.probes;
      else for (const [key, row] of Object.entries(read.data.answers)) known.set(key, row);
    }
    file = openSync(path, "a");
    if (lines.length === 0) writeSync(file, `${JSON.stringify({ schema: SCHEMA, target })}\n`);
  } catch (error) {
    release();
    throw fileError(error, path);
  }
  const write = (line: z.infer<typeof lineSchema>): void => {
    try {
      writeSync(file, `${JSON.stringify(line)}\n`);
    } catch (error) {
      throw fileError(error, path);
    }
  };
  return {
    sentBefore,
    probes,
    find: (key) => known.get(key),
    sent: (rows) => write({ sent: rows }),
    answered: (answers) => {
      for (const [key, row] of answers) known.set(key, row);
      write({ answers: Object.fromEntries([...answers].map(([key, row]) => [key, [...row]])) });
    },
    keepProbes: (rows) => write({ probes: rows.map((row) => [...row]) }),
    close: () => {
      closeSync(file);
      release();
    },
  };
}

/** Whole lines; what follows the last newline was never finished, and is cut off. */
function readLines(path: string): string[] {
  if (!existsSync(path)) return [];
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(10) + 1;
  if (end < bytes.length) truncateSync(path, end);
  const lines = bytes.subarray(0, end).toString("utf8").split("\n");
  lines.pop();
  return lines;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function requireTarget(path: string, line: string, target: string): void {
  const header = headerSchema.safeParse(parse(line));
  if (!header.success) throw damaged(path, "line 1");
  if (header.data.target === target) return;
  throw new BlindspotError({
    code: "E_JOURNAL",
    subject: path,
    expected: "answers of this model, asked in this way",
    got: "answers of another model, or to inputs in another form",
    hint: "Give another --journal, or another --out",
  });
}

function damaged(path: string, where: string): BlindspotError {
  return new BlindspotError({
    code: "E_JOURNAL",
    subject: path,
    where,
    expected: SCHEMA,
    hint: "Give another --journal, or another --out",
  });
}
