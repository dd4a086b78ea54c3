import { BlindspotError } from "../base/errors.ts";
import { readNpz, writeNpz } from "../tensor/npz.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";
import type { State } from "../train/index.ts";
import type { EpochRecord } from "./guards.ts";
import type { Weights } from "./open-model.ts";

/** Everything that the next epoch depends on, and what came out so far. */
export interface Progress {
  /** What decides the outcome; a resumed run must have the same. */
  readonly identity: Readonly<Record<string, unknown>>;
  /** After the last epoch of the history. */
  readonly state: State;
  /** Of the best epoch. */
  readonly best: Weights;
  /** From epoch 0. */
  readonly history: readonly EpochRecord[];
  /** Spent so far, earlier parts of an interrupted run included. */
  readonly seconds: number;
  readonly samplesPerSecond: number | null;
}

const HEADER = "progress";

/** One file, so that state and history can never disagree. Nothing is compressed: weights hardly shrink. */
export function writeProgress({ state, best, ...rest }: Progress): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(rest));
  const named = (folder: string, tensors: State) =>
    Object.entries(tensors).map(([name, value]) => [`${folder}/${name}`, value] as const);
  const arrays: Record<string, Tensor> = Object.fromEntries([...named("state", state), ...named("best", best)]);
  return writeNpz({ ...arrays, [HEADER]: tensor("uint8", [text.length], text) }, { level: 0 });
}

/**
 * Reads a checkpoint of this very training. Throws E_CHECKPOINT for what is no checkpoint, and E_RESUME for one of another training, naming
 * everything that differs.
 */
export function readProgress(bytes: Uint8Array, identity: Progress["identity"]): Progress {
  const arrays = readNpz(bytes, { subject: "the checkpoint" });
  const header = arrays[HEADER];
  if (header === undefined)
    throw new BlindspotError({
      code: "E_CHECKPOINT",
      subject: "the checkpoint",
      expected: "a checkpoint of `blindspot harden`",
      got: Object.keys(arrays).slice(0, 5).join(", "),
      hint: "Give another file with --out",
    });
  const rest = JSON.parse(new TextDecoder().decode(header.data as Uint8Array)) as Omit<Progress, "state" | "best">;
  requireSame(rest.identity, identity);
  const inside = (folder: string) =>
    Object.fromEntries(
      Object.entries(arrays).flatMap(([name, value]) =>
        name.startsWith(`${folder}/`) ? [[name.slice(folder.length + 1), value]] : [],
      ),
    );
  return { ...rest, state: inside("state"), best: inside("best") };
}

function requireSame(before: Progress["identity"], now: Progress["identity"]): void {
  const text = (value: unknown) => JSON.stringify(value) ?? "nothing";
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const problems = keys
    .filter((key) => text(before[key]) !== text(now[key]))
    .map((key) => ({
      code: "E_RESUME",
      subject: "the checkpoint",
      where: key,
      expected: `${text(before[key])}, as when this training was begun`,
      got: text(now[key]),
      hint: "Give another file with --out, or the same options to resume",
    }));
  if (problems.length > 0) throw new BlindspotError(problems);
}
