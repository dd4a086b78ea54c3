import { BlindspotError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import { Rng } from "../base/rng.ts";
import type { Classifier } from "../models/classifier.ts";
import { relationsCheck } from "./checks/relations.ts";
import { TARGET_UNCHANGED } from "./checks/target.ts";
import { trainingDataCheck } from "./checks/training-data.ts";
import type { Assessment, AssessOptions, ModelFacts } from "./options.ts";
import { makePlan } from "./plan.ts";
import { Run } from "./run.ts";

export type { AssessEvent, Assessment, AssessOptions, ModelFacts } from "./options.ts";

/**
 * Attacks a classifier as the threats say and measures what stands: the whole of `blindspot assess` behind the command line.
 * Throws a BlindspotError for input that does not fit. An interrupted run returns what was finished, with `status: "partial"`.
 */
export async function assess(options: AssessOptions): Promise<Assessment> {
  const plan = makePlan(options);
  const facts = options.facts ?? (await anonymousFacts(options.model));
  const checks = [
    ...(await trainingDataCheck(options, plan.indices)),
    ...(await relationsCheck(options.data, plan.indices)),
  ];
  const run = new Run(options, plan, facts, checks);
  return run.perform();
}

/** A model without a file is known by what it answers to eight fixed random rows, however many it takes at once. */
async function anonymousFacts(model: Classifier): Promise<ModelFacts> {
  const size = model.dims.reduce((product, dim) => product * dim, 1);
  const rng = Rng.of(0).fold("fingerprint");
  const scores: number[] = [];
  for (let row = 0; row < 8; row++) {
    const data = Float32Array.from({ length: size }, () => rng.uniform());
    scores.push(...(await model.scores({ data, count: 1 })));
  }
  // Four digits survive another machine's rounding.
  const fingerprint = sha256(scores.map((score) => score.toPrecision(4)).join(","));
  return { kind: "classifier", name: "model", fingerprint, preprocessing: {}, runtime: null };
}

/** A model that became another during the run was not evaluated: the exit code says so. */
export function requireUnchanged({ result }: Assessment): void {
  const check = result.checks.find(({ id, status }) => id === TARGET_UNCHANGED && status === "fail");
  if (check === undefined) return;
  throw new BlindspotError(
    {
      code: "E_TARGET_CHANGED",
      subject: result.model.name,
      got: check.detail,
      ...(check.try === undefined ? {} : { hint: check.try }),
    },
    { exitCode: 3 },
  );
}

/** No sample was evaluated: the exit code says so. */
export function requireEvaluated({ result }: Assessment): void {
  const evaluated = result.threats.some(
    ({ statuses: { fooled, resisted, misclassified } }) => fooled + resisted + misclassified > 0,
  );
  if (evaluated) return;
  throw new BlindspotError(
    {
      code: "E_NOT_EVALUATED",
      subject: result.data.spec,
      got: "no sample was evaluated",
      hint: "Give the run more --time or larger budgets",
    },
    { exitCode: 3 },
  );
}
