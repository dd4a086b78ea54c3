import { readFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { SeenInTraining } from "../assess/checks/training-data.ts";
import { readText } from "../assess/files-read.ts";
import type { Result, TrainingFacts } from "../assess/schema.ts";
import { BlindspotError, type Problem } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import { type MethodName, type TrainingLog, trainingLogSchema } from "../defenses/index.ts";
import { HardenFiles } from "./harden-files.ts";

const MIB = 2 ** 20;
/** A hash a line: two million inputs. */
const LIMITS = { log: 16 * MIB, hashes: 128 * MIB } as const;

/** The attacks of the registry that a method crafts with. */
const CRAFTING: Readonly<Record<MethodName, readonly string[]>> = {
  "fgsm-rs": ["fgsm"],
  "n-fgsm": ["fgsm"],
  pgd: ["pgd"],
  trades: ["pgd"],
  corpus: [],
  none: [],
};

export interface TrainingRecord {
  readonly training: TrainingFacts;
  /** Undefined where the list is missing. */
  readonly trainedOn?: ReadonlySet<string>;
}

/** The log that `harden` left beside the model of this run, if it is there and of this very file. */
export async function recordBeside({
  options,
  model,
}: {
  readonly options: Result["options"];
  readonly model: Pick<Result["model"], "sha256">;
}): Promise<TrainingRecord | null> {
  const path = options["model"];
  return typeof path === "string" ? recordOf(path, (hash) => hash === model.sha256) : null;
}

/** What a model file was trained on, by what `harden` left beside it; undefined for a file that it did not write. */
export async function seenInTraining(path: string): Promise<SeenInTraining | undefined> {
  const file = path.endsWith(".onnx") ? await readFile(path).catch(() => null) : null;
  if (file === null) return undefined;
  const record = await recordOf(path, (hash) => hash === sha256(new Uint8Array(file)));
  return record === null ? undefined : { inputs: record.trainedOn ?? null, chosenBy: record.training.validate.sha256 };
}

async function recordOf(path: string, isIts: (hardened?: string) => boolean): Promise<TrainingRecord | null> {
  if (!path.endsWith(".onnx")) return null;
  const { log } = new HardenFiles(path);
  const text = await readText(dirname(log), basename(log), LIMITS.log).catch(() => null);
  if (text === null) return null;
  const parsed = trainingLogSchema.safeParse(jsonOf(text.text));
  if (parsed.success && !isIts(parsed.data.hardened?.sha256)) return null;
  return readRecord(log);
}

/** Reads a `.training.json`, and the list of hashes beside it. The list must be the one that the log names. */
export async function readRecord(path: string): Promise<TrainingRecord> {
  const refuse = (problem: Omit<Problem, "code" | "subject">) =>
    new BlindspotError({ code: "E_TRAINING_LOG", subject: path, ...problem });
  const file = await readText(dirname(path), basename(path), LIMITS.log);
  if (file === null) throw refuse({ expected: "the .training.json of a hardened model", got: "no such file" });
  const parsed = trainingLogSchema.safeParse(jsonOf(file.text));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw refuse({ where: issue!.path.join("."), expected: "blindspot-training/1", got: issue!.message });
  }
  const log = parsed.data;
  if (log.hardened === null) throw refuse({ expected: "a finished training that wrote a model", got: log.status });
  const training = factsOf(log, log.hardened, file.sha256);
  const list = path.replace(/\.training\.json$/, ".trained-on.txt");
  const hashes = list === path ? null : await readText(dirname(list), basename(list), LIMITS.hashes);
  if (hashes === null) return { training };
  if (hashes.sha256 !== log.trainedOn.sha256)
    throw new BlindspotError({
      code: "E_TRAINING_LOG",
      subject: list,
      expected: `the list that ${path} names (SHA-256 ${log.trainedOn.sha256.slice(0, 12)})`,
      got: hashes.sha256.slice(0, 12),
      hint: "It was changed, or is of another training",
    });
  return { training, trainedOn: new Set(hashes.text.split("\n").filter((line) => line !== "")) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function factsOf(log: TrainingLog, hardened: NonNullable<TrainingLog["hardened"]>, sha256: string): TrainingFacts {
  const { model, method, threat, settings, epochs, stopped, seconds, samplesPerSecond, data, trainedOn, overlap } = log;
  return {
    log: sha256,
    model: model.sha256,
    hardened: hardened.sha256,
    method,
    crafting: [...CRAFTING[method]],
    threat,
    settings,
    epochs: epochs.length - 1,
    epoch: hardened.epoch,
    stopped: stopped && `${stopped.reason}: ${stopped.detail}`,
    seconds,
    samplesPerSecond,
    ...data,
    trainedOn,
    validationOverlap: overlap,
  };
}
