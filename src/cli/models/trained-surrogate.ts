import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { writeWhole } from "../../assess/files.ts";
import { makePlan, type Plan } from "../../assess/plan.ts";
import { SURROGATE_FILE } from "../../assess/run-file.ts";
import { BlindspotError, type Problem } from "../../base/errors.ts";
import { sha256 } from "../../base/hash.ts";
import { type Dataset, drawSamples } from "../../data/index.ts";
import type { Classifier } from "../../models/classifier.ts";
import { plannedClassifier } from "../../models/queried/planned-classifier.ts";
import { grouped } from "../../report/format.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { roundsFor } from "../../surrogates/augmentation.ts";
import { loadSurrogate, startFor, trainSurrogate } from "../../surrogates/train-surrogate.ts";
import { roundToLevels } from "../../threats/grey-levels.ts";
import { budgetOf } from "../budget.ts";
import { openModelFile, quantizeOf, type SurrogateTraining, type Target } from "../open.ts";
import type { Given } from "../options.ts";
import { planOptions } from "../plan-options.ts";
import type { Sitting } from "./sitting.ts";
import { surrogateFile, surrogateNotes } from "./surrogate-file.ts";

/** Held-out inputs by which a surrogate is measured: of those that are attacked, whose answers are wanted anyway. */
const HELD_OUT = 200;

/**
 * The target with a surrogate that is trained from N of its answers: on samples that are not attacked, and on what the surrogate proposes from them. Nothing is asked
 * before it is clear that an attack of the plan wants it, and that the budget allows it.
 */
export async function withTrainedSurrogate(
  target: Target,
  given: Given,
  queries: number,
  sitting: Sitting,
): Promise<Target> {
  const plan = planWith(target, given, sitting);
  const start = startIndices(target.data, plan.indices, queries, target.classifier.classes.length, plan.seed);
  const training = { queries, start: start.length, rounds: roundsFor(start.length, queries) };
  requireFit(target, plan, given, training);
  if (sitting.dryRun) return { ...target, surrogate: standIn(target.classifier), training };
  const path = sitting.folder === null ? null : `${sitting.folder}/${SURROGATE_FILE}`;
  const recipe = recipeOf(target, plan, given, training);
  const own = target.runtime === undefined ? await nodeRuntime() : null;
  const runtime = target.runtime ?? own!;
  const close = async () => {
    await target.close();
    await own?.close();
  };
  try {
    const trained =
      path !== null && existsSync(path)
        ? await reopen(path, recipe, target, runtime)
        : await train(target, given, plan, start, training, sitting, runtime, recipe, path);
    return { ...target, ...trained, facts: { ...target.facts, ...trained.facts }, close };
  } catch (error) {
    await own?.close();
    throw error;
  }
}

type Trained = Pick<Target, "surrogate"> & { readonly facts: Pick<Target["facts"], "surrogate" | "surrogateSha256"> };

/** The plan of the command, as it will be with a surrogate. */
function planWith(target: Target, given: Given, { attacks }: Sitting): Plan {
  return makePlan({
    ...planOptions(target, { ...given, threat: given.threat ?? [] }),
    surrogate: standIn(target.classifier),
    ...(attacks === undefined ? {} : { attacks }),
  });
}

/** Has all that a plan needs of a surrogate. */
function standIn({ classes, dims }: Classifier): Classifier {
  const toll = { secondsPerQuery: null, costPerQuery: 0 };
  return plannedClassifier({ classes, dims, output: "scores", requestRows: 1, concurrency: 1, toll });
}

/** Samples that are not attacked, nor belong to a group of which some are: what the attacker is supposed to have. */
function startIndices(
  { spec, labels, groups, length }: Dataset,
  attacked: readonly number[],
  queries: number,
  classes: number,
  seed: number,
): number[] {
  const taken = new Set(attacked);
  const takenGroups = new Set(groups === null ? [] : attacked.map((index) => groups[index]));
  const free = Array.from({ length }, (_, index) => index).filter(
    (index) => !taken.has(index) && !(groups !== null && takenGroups.has(groups[index])),
  );
  const samples = startFor(queries, classes, free.length);
  if (samples === 0) return [];
  const drawable = { spec, labels: Int32Array.from(free, (index) => labels[index]!), groups: null };
  return drawSamples(drawable, { samples, seed }).map((i) => free[i]!);
}

function requireFit(target: Target, plan: Plan, given: Given, { queries, start }: SurrogateTraining): void {
  const subject = `--surrogate train:${queries}`;
  const problems: Problem[] = [];
  const wanted = plan.threats.some(({ profiles }) => profiles.some(({ knowledge }) => knowledge === "transfer"));
  if (!wanted) {
    const reasons = plan.threats.flatMap(({ notRun }) =>
      notRun.filter(({ knowledge }) => knowledge === "transfer").map(({ attack, reason }) => `${attack}: ${reason}`),
    );
    problems.push({
      code: "E_SURROGATE",
      subject,
      expected: "an attack that uses a surrogate, such as mi-fgsm",
      got:
        target.data.modality === "text"
          ? "texts, which are edited"
          : [...new Set(reasons)].join("; ") || "none in this plan",
      ...(target.data.modality === "text" ? { hint: "Attack texts by scores and labels, without --surrogate" } : {}),
    });
  }
  if (start < 2)
    problems.push({
      code: "E_SURROGATE",
      subject,
      expected: "samples that are not attacked, to begin with",
      got: `${start} of ${target.data.length}`,
      hint: "Give fewer --samples, or more --data",
    });
  const budget = budgetOf(given);
  if (queries > budget)
    problems.push({
      code: "E_SURROGATE",
      subject,
      expected: `at most ${grouped(budget)}: the budget of the whole run`,
      hint: "Give a larger --max-queries or --max-cost, or train on less",
    });
  if (problems.length > 0) throw new BlindspotError(problems);
}

/** All that decides what is trained. */
function recipeOf({ facts, data, classifier }: Target, plan: Plan, given: Given, training: SurrogateTraining): string {
  const { sha256: hash, fingerprint, preprocessing } = facts;
  const of = [hash ?? fingerprint, preprocessing, classifier.classes, data.sha256, plan.indices, plan.seed];
  return sha256(JSON.stringify([...of, quantizeOf(given, data), training]));
}

/** The one that an earlier sitting of this run trained. */
async function reopen(path: string, recipe: string, target: Target, runtime: Runtime): Promise<Trained> {
  const opened = await openModelFile(path);
  const notes = surrogateNotes(opened);
  if (notes?.recipe !== recipe)
    throw new BlindspotError({
      code: "E_SURROGATE",
      subject: path,
      expected: "the surrogate of this run",
      got: "one that was trained otherwise",
      hint: "Give another --out, or the same options to resume",
    });
  const surrogate = await loadSurrogate(opened.model, target.classifier, runtime);
  return { surrogate, facts: { surrogate: notes.facts, surrogateSha256: opened.sha256 } };
}

async function train(
  target: Target,
  given: Given,
  plan: Plan,
  start: readonly number[],
  { queries, rounds }: SurrogateTraining,
  { signal, tell }: Sitting,
  runtime: Runtime,
  recipe: string,
  path: string | null,
): Promise<Trained> {
  const { classifier, data } = target;
  const deployable = nearestInput(data, quantizeOf(given, data));
  const read = (indices: readonly number[]) =>
    Promise.all(
      indices.map(async (index) => {
        const { point } = await data.sample(index);
        return deployable(point, point);
      }),
    );
  const trained = await trainSurrogate({
    target: classifier,
    start: await read(start),
    heldOut: await read(plan.indices.slice(0, HELD_OUT)),
    queries,
    seed: plan.seed,
    runtime,
    deployable,
    signal,
    onRound: (round, rows) =>
      tell?.(
        () => `surrogate: round ${round} of ${rounds}, trained on ${grouped(rows)} of ${grouped(queries)} answers`,
      ),
  });
  const facts = path === null ? trained.facts : { ...trained.facts, file: SURROGATE_FILE };
  const bytes = surrogateFile({ ...trained, facts }, recipe);
  if (path !== null) {
    await mkdir(dirname(path), { recursive: true });
    await writeWhole(path, bytes);
  }
  return { surrogate: trained.classifier, facts: { surrogate: facts, surrogateSha256: sha256(bytes) } };
}

/** What the target can be sent: 8-bit values where the threat has them, legal rows where there is a schema. */
function nearestInput(
  { rows }: Dataset,
  quantize: "uint8" | "none",
): (x: Float32Array, x0: Float32Array) => Float32Array {
  if (rows !== undefined)
    return (x, x0) => {
      const clean = rows.levels(x0);
      const levels = rows.derive(rows.levels(x, clean), clean);
      return rows.point(rows.broken(levels) === null ? levels : clean);
    };
  return quantize === "uint8" ? (x, x0) => roundToLevels(x, x0, 1) : (x) => x;
}
