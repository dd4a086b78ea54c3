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

/**
 * Of how a training proceeds. Raise it whenever a change gives the same seed other weights, or keeps another state: a run that was begun before
 * it can't end with the bytes of one that was not interrupted. 1 wrote no version.
 */
const TRAINING_VERSION = 2;

/** One file, so that state and history can never disagree. Nothing is compressed: weights hardly shrink. */
export function writeProgress({ state, best, ...rest }: Progress): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify({ training: TRAINING_VERSION, ...rest }));
  const named = (folder: string, tensors: State) =>
    Object.entries(tensors).map(([name, value]) => [`${folder}/${name}`, value] as const);
  const arrays: Record<string, Tensor> = Object.fromEntries([...named("state", state), ...named("best", best)]);
  return writeNpz({ ...arrays, [HEADER]: tensor("uint8", [text.length], text) }, { level: 0 });
}

type Header = Omit<Progress, "state" | "best"> & { readonly training?: number };

/**
 * Reads a checkpoint of this very training. Throws E_CHECKPOINT for what is no checkpoint, E_CHECKPOINT_VERSION for one of a version that trains
 * otherwise, and E_RESUME for one of another training, naming everything that differs.
 * @param subject what messages call it
 */
export function readProgress(bytes: Uint8Array, identity: Progress["identity"], subject: string): Progress {
  const arrays = readNpz(bytes, { subject });
  const header = arrays[HEADER];
  if (header === undefined)
    throw new BlindspotError({
      code: "E_CHECKPOINT",
      subject,
      expected: "a checkpoint of `blindspot harden`",
      got: Object.keys(arrays).slice(0, 5).join(", "),
      hint: "Give another file with --out",
    });
  const { training = 1, ...rest } = JSON.parse(new TextDecoder().decode(header.data as Uint8Array)) as Header;
  if (training !== TRAINING_VERSION)
    throw new BlindspotError({
      code: "E_CHECKPOINT_VERSION",
      subject,
      expected: `a checkpoint of training version ${TRAINING_VERSION}, as this Blindspot trains`,
      got: `version ${training}, of ${training < TRAINING_VERSION ? "an older" : "a newer"} one: the epochs to come would not go on from those that are done`,
      hint: "Delete it, or give another file with --out, to begin anew; or end this training with the Blindspot that began it",
    });
  requireSame(rest.identity, identity, subject);
  const inside = (folder: string) =>
    Object.fromEntries(
      Object.entries(arrays).flatMap(([name, value]) =>
        name.startsWith(`${folder}/`) ? [[name.slice(folder.length + 1), value]] : [],
      ),
    );
  return { ...rest, state: inside("state"), best: inside("best") };
}

function requireSame(before: Progress["identity"], now: Progress["identity"], subject: string): void {
  const text = (value: unknown) => JSON.stringify(value) ?? "nothing";
  const [then, today] = [Object.fromEntries(flat(before)), Object.fromEntries(flat(now))];
  const keys = [...new Set([...Object.keys(then), ...Object.keys(today)])];
  const problems = keys
    .filter((key) => text(then[key]) !== text(today[key]))
    .map((key) => ({
      code: "E_RESUME",
      subject,
      where: key,
      expected: `${text(then[key])}, as when this training was begun`,
      got: text(today[key]),
      hint: "Give another file with --out, or the same options to resume",
    }));
  if (problems.length > 0) throw new BlindspotError(problems);
}

/** Each fact by its own name: `settings.seed`. */
function flat(facts: Progress["identity"]): [string, unknown][] {
  return Object.entries(facts).flatMap(([name, value]): [string, unknown][] =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.entries(value).map(([inner, of]) => [`${name}.${inner}`, of])
      : [[name, value]],
  );
}
