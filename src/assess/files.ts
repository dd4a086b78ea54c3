import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import { BlindspotError, type Problem } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import { BEFORE_THE_RUN, parseJson, RUN_SCHEMA, type RunFile, runSchema, runText } from "./run-file.ts";
import { type Finding, findingSchema, type Result, type SampleLine, sampleLineSchema } from "./schema.ts";
import type { RunStore } from "./store.ts";

/** Turns what the operating system says into an error that names the file. Errors of ours pass through. */
export function fileError(error: unknown, subject: string): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (error instanceof BlindspotError || code === undefined) return error as Error;
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new BlindspotError(
    {
      code: full ? "E_DISK_FULL" : "E_WRITE",
      subject,
      got: full ? "no space left to write" : (error as Error).message,
      hint: full
        ? "What was finished is kept. Free some space and run the same command with the same --out"
        : "Give another folder with --out",
    },
    { cause: error },
  );
}

/** Writes under a temporary name first: a file with its final name is whole. */
export async function writeWhole(
  path: string,
  data: Uint8Array | string | AsyncIterable<string> | Iterable<Uint8Array | string>,
): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const handle = await open(temporary, "w");
    try {
      await writeFile(handle, data);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw fileError(error, path);
  }
}

async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw fileError(error, path);
  }
}

function jsonLines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join("");
}

/** Reads JSON Lines. A last line that was cut short by a crash is dropped; anything else that does not fit is an error. */
function parseLines<T>(text: string, schema: z.ZodType<T>, path: string): T[] {
  const lines = text.split("\n");
  // What follows the last newline was never finished.
  lines.pop();
  return lines.map((line, i) => {
    try {
      return schema.parse(JSON.parse(line));
    } catch (error) {
      throw new BlindspotError(
        { code: "E_RUN_FILE", subject: path, where: `line ${i + 1}`, hint: "Give another folder with --out" },
        { cause: error },
      );
    }
  });
}

function resultText(result: Result): string {
  return `${JSON.stringify(result, null, 2)}\n`;
}

/**
 * Puts another risk into a finished run's result. What the file holds that this version does not know stays; its new hash is recorded.
 * The caller has read the run, and found it whole.
 */
export async function storeRisk(directory: string, risk: NonNullable<Result["risk"]>): Promise<void> {
  const [resultPath, runPath] = ["result.json", "run.json"].map((name) => join(directory, name)) as [string, string];
  try {
    const result = JSON.parse(await readFile(resultPath, "utf8")) as Result;
    const run = JSON.parse(await readFile(runPath, "utf8")) as RunFile;
    const text = resultText({ ...result, risk });
    await writeWhole(resultPath, text);
    await writeWhole(runPath, runText({ ...run, files: { ...run.files, "result.json": sha256(text) } }));
  } catch (error) {
    throw fileError(error, directory);
  }
}

/** What two texts say where they first differ: lists of samples and settings are long. */
function whereTheyDiffer(one: string, other: string): [string, string] {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at++;
  const cut = (text: string) => {
    const from = Math.max(0, at - 30);
    const end = at + 60;
    return `${from > 0 ? "..." : ""}${text.slice(from, end)}${end < text.length ? "..." : ""}`;
  };
  return [cut(one), cut(other)];
}

/** Options that decide what a run does must be the same when it is resumed; each one that differs is named. */
function requireSameRun(directory: string, before: RunFile["identity"], now: RunFile["identity"]): void {
  const text = (value: unknown) => JSON.stringify(value) ?? "nothing";
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const problems: Problem[] = keys
    .filter((key) => text(before[key]) !== text(now[key]))
    .map((key) => {
      const [expected, got] = whereTheyDiffer(text(before[key]), text(now[key]));
      return {
        code: "E_RUN_OPTIONS",
        subject: directory,
        where: key,
        expected: `${expected}, as when this run was begun`,
        got,
        hint: "Give another folder with --out, or the same options to resume",
      };
    });
  if (problems.length > 0) throw new BlindspotError(problems);
}

async function openRunFile(directory: string, identity: RunFile["identity"]): Promise<RunFile> {
  const path = join(directory, "run.json");
  const text = await readIfPresent(path);
  if (text === null) {
    const others = (await readdir(directory)).filter((name) => !BEFORE_THE_RUN.includes(name));
    if (others.length > 0)
      throw new BlindspotError({
        code: "E_OUT_NOT_EMPTY",
        subject: directory,
        expected: "an empty folder, or one of an earlier run",
        got: `${others.length} other files`,
        hint: "Give another folder with --out",
      });
    await writeWhole(path, runText({ identity, seconds: 0 }));
    return { schema: RUN_SCHEMA, identity, seconds: 0 };
  }
  const parsed = runSchema.safeParse(parseJson(text));
  if (!parsed.success)
    throw new BlindspotError({
      code: "E_RUN_FILE",
      subject: path,
      expected: RUN_SCHEMA,
      hint: "Give another folder with --out",
    });
  requireSameRun(directory, parsed.data.identity, identity);
  return parsed.data;
}

/** While a run lasts its lines grow under `NAME.partial`; `finish` writes them sorted under the final name. */
async function openLog<T>(
  path: string,
  schema: z.ZodType<T>,
): Promise<{ readonly handle: FileHandle; readonly lines: T[] }> {
  const partial = `${path}.partial`;
  const text = (await readIfPresent(partial)) ?? (await readIfPresent(path)) ?? "";
  const lines = parseLines(text, schema, partial);
  await writeWhole(partial, jsonLines(lines));
  return { handle: await open(partial, "a"), lines };
}

/**
 * Opens a run's folder, or makes it. `identity` holds what decides the outcome (model, data, threats, plan, seed, budgets); a
 * folder begun with another identity is refused, one begun with the same is resumed.
 */
export async function openRunDirectory(
  directory: string,
  identity: Readonly<Record<string, unknown>>,
): Promise<RunStore> {
  try {
    await mkdir(directory, { recursive: true });
    // Through JSON, so that both sides of the comparison have gone the same way.
    const run = await openRunFile(directory, JSON.parse(JSON.stringify(identity)) as RunFile["identity"]);
    await mkdir(join(directory, "blobs"), { recursive: true });
    return await openStore(directory, run);
  } catch (error) {
    throw fileError(error, directory);
  }
}

async function openStore(directory: string, run: RunFile): Promise<RunStore> {
  const samplesPath = join(directory, "samples.jsonl");
  const findingsPath = join(directory, "findings.jsonl");
  const samples = await openLog<SampleLine>(samplesPath, sampleLineSchema);
  const findings = await openLog<Finding>(findingsPath, findingSchema);
  // A line vouches for its findings: findings without one belong to a sample that will run again.
  const vouched = new Set(samples.lines.map((line) => `${line.threat}\n${line.index}`));
  const key = (finding: Finding) => `${finding.constraints.threat}\n${finding.subject.index}`;
  const kept = findings.lines.filter((finding) => vouched.has(key(finding)));
  const lines = [...samples.lines];
  const started = performance.now();
  const seen = new Set<string>();
  return {
    directory,
    finished: samples.lines,
    secondsBefore: run.seconds,
    findings: kept,
    async blob(bytes, extension) {
      const name = `blobs/${sha256(bytes)}.${extension}`;
      if (!seen.has(name)) await writeWhole(join(directory, name), bytes);
      seen.add(name);
      return name;
    },
    async append(line, found) {
      try {
        if (found.length > 0) await findings.handle.appendFile(jsonLines(found));
        await samples.handle.appendFile(jsonLines([line]));
      } catch (error) {
        throw fileError(error, directory);
      }
      kept.push(...found);
      lines.push(line);
    },
    async finish(result: Result) {
      await Promise.all([samples.handle.close(), findings.handle.close()]);
      const threats = new Map(result.threats.map((threat, i) => [threat.id, i]));
      const rank = (threat: string) => threats.get(threat) ?? 0;
      lines.sort((a, b) => rank(a.threat) - rank(b.threat) || a.index - b.index);
      kept.sort((a, b) => rank(a.constraints.threat) - rank(b.constraints.threat) || a.subject.index - b.subject.index);
      const texts = {
        "samples.jsonl": jsonLines(lines),
        "findings.jsonl": jsonLines(kept),
        "result.json": resultText(result),
      };
      for (const [name, text] of Object.entries(texts)) await writeWhole(join(directory, name), text);
      const seconds = run.seconds + (performance.now() - started) / 1000;
      const files = Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, sha256(text)]));
      await writeWhole(join(directory, "run.json"), runText({ identity: run.identity, seconds, files }));
      await Promise.all([samplesPath, findingsPath].map((path) => rm(`${path}.partial`, { force: true })));
    },
  };
}
