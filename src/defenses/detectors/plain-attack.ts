import { type Arena, runAttempt, type Subject } from "../../attacks/attempt.ts";
import { Batcher } from "../../attacks/batcher.ts";
import type { AttemptRecord, PlannedAttack } from "../../attacks/record.ts";
import { findAttack } from "../../attacks/registry.ts";
import { pooled } from "../../base/pooled.ts";
import type { Rng } from "../../base/rng.ts";
import type { Classifier } from "../../models/classifier.ts";
import type { Threat } from "../../threats/threat.ts";

/** Bytes that the arrays of all attempts under way may take, and arrays that one holds, roughly. */
const POINT_BYTES = 256 * 2 ** 20;
const ARRAYS_PER_ATTEMPT = 16;

/**
 * The attacker who knows nothing of a detector: PGD on the cross-entropy to its last step, so that it is sure of the model. What publications of detectors
 * are measured with.
 */
export function plainPgd(steps: number): PlannedAttack {
  const definition = findAttack("pgd");
  return { definition, settings: { ...definition.defaults, steps, loss: "cross-entropy", keep: "last" } };
}

/** A subject of an untargeted attack: every other class counts, of the first `classes`. */
export function untargeted(x0: Float32Array, label: number, cleanScores: Float32Array, classes: number): Subject {
  const goalClasses = Array.from({ length: classes }, (_, c) => c)
    .filter((c) => c !== label)
    .sort((a, b) => cleanScores[b]! - cleanScores[a]! || a - b);
  return { x0, label, cleanScores, goalClasses, starts: [] };
}

/** One attack on all these subjects, each with its own random stream. */
export async function attackAll(
  classifier: Classifier,
  threat: Threat,
  planned: PlannedAttack,
  subjects: readonly { readonly subject: Subject; readonly rng: Rng }[],
): Promise<AttemptRecord[]> {
  const { dims, classes } = classifier;
  const target = new Batcher(classifier);
  const arena: Arena = {
    threat,
    dims,
    classes: classes.length,
    target,
    surrogate: null,
    textKey: null,
    trees: null,
    budget: {},
  };
  const rowBytes = 4 * dims.reduce((product, dim) => product * dim, 1);
  const fitting = Math.max(2, Math.floor(POINT_BYTES / (rowBytes * ARRAYS_PER_ATTEMPT)));
  const limit = Math.min(fitting, 3 * classifier.maxBatch);
  return pooled(subjects, limit, ({ subject, rng }) => runAttempt(arena, subject, planned, rng));
}
