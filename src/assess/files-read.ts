import { constants } from "node:fs";
import { lstat, open, readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import type { z } from "zod";
import { BlindspotError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import { parseJson, type RunFile, runSchema } from "./run-file.ts";
import {
  type Finding,
  findingSchema,
  RESULT_SCHEMA,
  type Result,
  resultSchema,
  type SampleLine,
  sampleLineSchema,
} from "./schema.ts";
import type { StoredRun } from "./store.ts";

const MIB = 2 ** 20;

/** What one file of a run may take: a run folder may come from anybody. */
export interface RunLimits {
  readonly resultBytes: number;
  readonly linesBytes: number;
  readonly lines: number;
  readonly blobBytes: number;
}
const LIMITS: RunLimits = { resultBytes: 64 * MIB, linesBytes: 384 * MIB, lines: 2_000_000, blobBytes: 64 * MIB };

const BLOB = /^blobs\/([0-9a-f]{64})\.(png|npy|txt|json)$/;
/** Lines that don't fit are named up to here, and counted; so are the reasons. */
const NAMED_LINES = 5;
const NAMED_REASONS = 10;

/**
 * Reads a run back from its folder. Throws where there is nothing to work from (no folder, an interrupted run without a result, another
 * version of the schema, files beyond the limits); whatever else is missing or does not fit is left out and said in `problems`.
 * Nothing outside the folder is read, nothing in it is run.
 */
export async function readRun(directory: string, limits: RunLimits = LIMITS): Promise<StoredRun> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    throw new BlindspotError(
      { code: "E_RUN_MISSING", subject: directory, expected: "the folder of a run", got: reasonOf(error) },
      { cause: error },
    );
  });
  const file = await readText(directory, "result.json", limits.resultBytes);
  if (file === null) throw noResult(directory, names);
  const result = parseResult(join(directory, "result.json"), file.text);
  const problems: string[] = [];
  if (names.includes("samples.jsonl.partial"))
    problems.push("a later sitting of this run was interrupted: what it added is not shown until the run is resumed");
  const hashes = await recordedHashes(directory, limits.resultBytes, problems);
  compareHash("result.json", file, hashes, problems);
  const lines = async <T>(name: string, schema: z.ZodType<T>, misfit: (line: T) => string | null) => {
    const content = await readText(directory, name, limits.linesBytes);
    if (content === null) problems.push(`${name} is missing: what it held is not shown`);
    else compareHash(name, content, hashes, problems);
    return content === null ? [] : parseLines(name, content.text, schema, misfit, limits.lines, directory, problems);
  };
  const samples = await lines<SampleLine>("samples.jsonl", sampleLineSchema, (line) =>
    misfitOf(result, line.threat, [line.label]),
  );
  const findings = await lines<Finding>("findings.jsonl", findingSchema, ({ constraints, outputChange }) =>
    misfitOf(result, constraints.threat, [outputChange.trueLabel, outputChange.before.label, outputChange.after.label]),
  );
  for (const { id, statuses } of result.threats) {
    const counted = Object.values(statuses).reduce((sum, count) => sum + count, 0);
    const held = samples.reduce((sum, { threat }) => (threat === id ? sum + 1 : sum), 0);
    if (held !== counted)
      problems.push(`samples.jsonl holds ${held} samples under ${plain(id)}, the result counts ${counted}`);
  }
  if (findings.length !== result.findings)
    problems.push(`findings.jsonl holds ${findings.length} findings, the result counts ${result.findings}`);
  problems.push(...(await missingBlobs(directory, findings)));
  return { result, samples, findings, problems, blob: (path) => readBlob(directory, path, limits.blobBytes) };
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "no such folder";
  return error.code === "ENOTDIR" ? "a file" : error.message;
}

function noResult(directory: string, names: readonly string[]): BlindspotError {
  if (names.includes("run.json"))
    return new BlindspotError({
      code: "E_RUN_INCOMPLETE",
      subject: directory,
      expected: "a finished run",
      got: "one that was interrupted before it wrote result.json",
      hint: "Run the same command with the same --out: it goes on where it stopped",
    });
  return new BlindspotError({
    code: "E_RUN_MISSING",
    subject: directory,
    expected: "the folder of a run, with result.json",
    got: names.length === 0 ? "an empty folder" : `a folder of ${names.length} other files`,
    hint: "Give the folder that `blindspot assess` wrote: its --out, by default under .blindspot/runs",
  });
}

/** Null if it does not exist. Links, pipes and devices are refused: they lead out of the folder, or never end. */
async function readRegular(path: string, limit: number): Promise<Uint8Array | null> {
  const refuse = (got: string, expected: string) =>
    new BlindspotError({ code: "E_RUN_FILE", subject: path, expected, got });
  const before = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
    throw refuse(error.message, "a file that can be read");
  });
  if (before === null) return null;
  if (!before.isFile()) throw refuse(before.isSymbolicLink() ? "a link" : "no file", "an ordinary file");
  // What was an ordinary file a moment ago is not followed if it is a link by now.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)).catch((error: Error) => {
    throw refuse(error.message, "a file that can be read");
  });
  try {
    const { size } = await handle.stat();
    if (size > limit) throw refuse(`${size} bytes`, `at most ${limit} bytes`);
    return new Uint8Array(await handle.readFile());
  } finally {
    await handle.close();
  }
}

export interface TextFile {
  readonly text: string;
  readonly sha256: string;
}

/** Null if it does not exist; refuses what `readRegular` refuses. */
export async function readText(directory: string, name: string, limit: number): Promise<TextFile | null> {
  const bytes = await readRegular(join(directory, name), limit);
  return bytes === null ? null : { text: new TextDecoder().decode(bytes), sha256: sha256(bytes) };
}

function parseResult(path: string, text: string): Result {
  const value = parseJson(text);
  const schema = (value as { schema?: unknown } | null | undefined)?.schema;
  if (schema !== RESULT_SCHEMA)
    throw new BlindspotError({
      code: "E_RUN_SCHEMA",
      subject: path,
      expected: RESULT_SCHEMA,
      got: value === undefined ? "no JSON" : typeof schema === "string" ? `'${schema.slice(0, 40)}'` : "no schema",
      hint: "It was written by another version, or by another program",
    });
  const parsed = resultSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new BlindspotError(
    parsed.error.issues.map(({ path: place, message }) => ({
      code: "E_RUN_FILE",
      subject: path,
      where: plain(place.join(".")) || "the whole",
      got: plain(message),
    })),
  );
}

/** What `run.json` says of the files as they were written. */
async function recordedHashes(directory: string, limit: number, problems: string[]): Promise<RunFile["files"]> {
  const file = await readText(directory, "run.json", limit);
  const parsed = file === null ? null : runSchema.safeParse(parseJson(file.text));
  const files = parsed?.success ? parsed.data.files : undefined;
  if (files === undefined) {
    const why = file === null ? "is missing" : parsed?.success ? "holds no hashes" : "can't be read";
    problems.push(`run.json ${why}: whether files were changed after the run can't be told`);
  }
  return files;
}

function compareHash(name: string, file: TextFile, hashes: RunFile["files"], problems: string[]): void {
  const recorded = hashes?.[name];
  if (recorded !== undefined && recorded !== file.sha256)
    problems.push(`${name} was changed after the run wrote it (its SHA-256 is not the recorded one)`);
}

/** Why a line does not belong to this result; null if it does. */
function misfitOf(result: Result, threat: string, labels: readonly number[]): string | null {
  if (!result.threats.some(({ id }) => id === threat)) return "a threat that the result does not have";
  const classes = result.model.classes.length;
  const outside = labels.find((label) => label < 0 || label >= classes);
  return outside === undefined ? null : `class ${outside} of ${classes}`;
}

/** Lines that are cut short, are no JSON, or do not fit the schema or the result are left out, and counted by reason. */
function parseLines<T>(
  name: string,
  text: string,
  schema: z.ZodType<T>,
  misfit: (line: T) => string | null,
  limit: number,
  directory: string,
  problems: string[],
): T[] {
  const kept: T[] = [];
  const left = new Map<string, number[]>();
  let others = 0;
  let number = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf("\n", start);
    const end = newline < 0 ? text.length : newline;
    if (++number > limit)
      throw new BlindspotError({
        code: "E_RUN_FILE",
        subject: join(directory, name),
        expected: `at most ${limit} lines`,
        got: "more",
      });
    const value = parseJson(text.slice(start, end));
    start = end + 1;
    const parsed = value === undefined ? null : schema.safeParse(value);
    const reason = parsed === null ? "no JSON" : parsed.success ? misfit(parsed.data) : issueOf(parsed.error);
    if (reason === null) kept.push(parsed!.data!);
    else if (left.has(reason)) left.get(reason)!.push(number);
    else if (left.size < NAMED_REASONS) left.set(reason, [number]);
    else others++;
  }
  for (const [reason, numbers] of left) {
    const named = numbers.slice(0, NAMED_LINES).join(", ");
    const more = numbers.length > NAMED_LINES ? ` and ${numbers.length - NAMED_LINES} more` : "";
    problems.push(`${name}: left out line ${named}${more}: ${reason}`);
  }
  if (others > 0) problems.push(`${name}: left out ${others} more lines for other reasons`);
  return kept;
}

function issueOf(error: z.ZodError): string {
  const { path, message } = error.issues[0]!;
  return plain(`${path.join(".") || "the line"}: ${message}`);
}

/** Keys of the file may stand in a message: no control characters, and not at any length. */
function plain(text: string): string {
  const short = text.length > 160 ? `${text.slice(0, 160)}...` : text;
  return short.replaceAll(/\p{C}/gu, "?");
}

async function missingBlobs(directory: string, findings: readonly Finding[]): Promise<string[]> {
  const there = new Set(await readdir(join(directory, "blobs")).catch(() => []));
  const wanted = findings.flatMap(({ perturbation: { blob } }) =>
    blob === undefined ? [] : [blob.original, blob.adversarial],
  );
  const missing = [...new Set(wanted)].filter((path) => !there.has(path.replace(/^blobs\//, "")));
  if (missing.length === 0) return [];
  return [`${missing.length} of ${new Set(wanted).size} stored inputs are missing from blobs/: no pictures of them`];
}

/** Null unless the file lies in the folder itself, is of a sane size and is what its name says. */
async function readBlob(directory: string, path: string, limit: number): Promise<Uint8Array | null> {
  const hash = BLOB.exec(path)?.[1];
  if (hash === undefined) return null;
  try {
    const inside = `${await realpath(directory)}${sep}blobs`;
    if ((await realpath(join(directory, "blobs"))) !== inside) return null;
    const bytes = await readRegular(join(directory, path), limit);
    return bytes !== null && sha256(bytes) === hash ? bytes : null;
  } catch {
    return null;
  }
}
