import { readFile } from "node:fs/promises";
import { type CompareOptions, compareRuns } from "../assess/compare/compare.ts";
import { measureLatency } from "../assess/compare/latency.ts";
import { readRun } from "../assess/files-read.ts";
import type { Comparison, CostFacts, DetectionFacts, Result } from "../assess/schema.ts";
import type { StoredRun } from "../assess/store.ts";
import { BlindspotError, type Problem } from "../base/errors.ts";
import { type DetectionResult, detectionResultSchema } from "../defenses/detectors/result.ts";
import { openTarget } from "./open.ts";
import type { Given } from "./options.ts";
import { defined } from "./plan-options.ts";
import { readRecord, recordBeside } from "./training-facts.ts";
import { version } from "./version.ts";

type CompareGiven = Pick<Given, "training" | "detection" | "allowOverlap" | "cost"> & {
  /** Beside what the comparison finds itself. */
  readonly notes?: readonly string[];
};

/** Compares the runs in two folders. The training log is the one given, else the one that `harden` left beside the second model. */
export async function compareFolders(before: string, after: string, given: CompareGiven): Promise<Comparison> {
  const [one, other] = [await readRun(before), await readRun(after)];
  const record = given.training === undefined ? await recordBeside(other.result) : await readRecord(given.training);
  const detections: DetectionFacts[] = [];
  for (const path of given.detection ?? [])
    detections.push(detectionFacts(await readDetection(path), [one, other], path));
  const options: CompareOptions = {
    toolVersion: version(),
    detections,
    ...defined({ ...record, allowOverlap: given.allowOverlap, notes: given.notes }),
  };
  const comparison = compareRuns(one, other, options);
  return given.cost ? { ...comparison, cost: await measureCost([one, other]) } : comparison;
}

const TIMED_ROWS = 16;

/** Opens both models as their runs did, and times them in turns. */
async function measureCost(runs: readonly [StoredRun, StoredRun]): Promise<CostFacts> {
  const targets = [];
  try {
    for (const { result } of runs) targets.push(await reopened(result));
    const [before, after] = targets as [(typeof targets)[0], (typeof targets)[0]];
    const { data } = before;
    const rows: Float32Array[] = [];
    for (let i = 0; i < Math.min(TIMED_ROWS, data.length); i++) rows.push((await data.sample(i)).point);
    const latency = await measureLatency([before.classifier, after.classifier], rows);
    return { bytes: { before: before.opened.bytes.length, after: after.opened.bytes.length }, latency };
  } finally {
    for (const target of targets) await target.close();
  }
}

/** Model and data of a run, by the options that it stored. The file must be the one that was attacked. */
async function reopened({ options, model, data }: Result) {
  const { threat: _, surrogate: __, mask: ___, ...reading } = options as Given;
  const target = await openTarget({ ...reading, model: String(options["model"] ?? model.name), data: data.spec });
  if (target.facts.sha256 === model.sha256) return target;
  await target.close();
  throw new BlindspotError({
    code: "E_COST_MODEL",
    subject: String(options["model"] ?? model.name),
    expected: `the file that was attacked (SHA-256 ${model.sha256?.slice(0, 12) ?? "unknown"})`,
    got: target.opened.sha256.slice(0, 12),
    hint: "Leave out --cost, or put the file back",
  });
}

async function readDetection(path: string): Promise<DetectionResult> {
  const refuse = (problem: Omit<Problem, "code" | "subject">) =>
    new BlindspotError({
      code: "E_DETECTION_FILE",
      subject: path,
      expected: "a result of `blindspot detect evaluate`",
      ...problem,
    });
  const text = await readFile(path, "utf8").catch((error: Error) => {
    throw refuse({ got: error.message });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse({ got: "no JSON" });
  }
  const parsed = detectionResultSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refuse({ where: issue!.path.join(".").slice(0, 160), got: issue!.message.slice(0, 160) });
}

/** What the page tells of a detector; it must stand in front of one of the two models, and be measured on the same data. */
function detectionFacts(
  result: DetectionResult,
  [before, after]: readonly [StoredRun, StoredRun],
  path: string,
): DetectionFacts {
  const stands = [before, after].findIndex((run) => run.result.model.sha256 === result.model.sha256);
  const refuse = (expected: string, got: string) =>
    new BlindspotError({ code: "E_DETECTION_FILE", subject: path, expected, got });
  if (stands < 0) throw refuse("a detector of one of the two models", `one of ${result.model.name}`);
  if (result.data.sha256 !== before.result.data.sha256)
    throw refuse(`one measured on ${before.result.data.spec}`, result.data.spec);
  const { detector, clean, accuracyWithRejection, bypass } = result;
  return {
    detector: detector.describes,
    version: stands === 0 ? "before" : "after",
    threat: result.threat.id,
    falsePositiveBudget: detector.falsePositiveBudget,
    falsePositives: clean.falsePositives,
    accuracyWithRejection,
    bypass,
    auroc: result.static.auroc.clean,
  };
}
