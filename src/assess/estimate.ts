import type { Dataset } from "../data/dataset.ts";
import type { Classifier, Rows } from "../models/classifier.ts";
import { curveAttack, curveThreats } from "./curve.ts";
import { costPerSample, makePlan, type Plan, type PlanOptions } from "./plan.ts";

/** Seconds of one row, with as many passes side by side as the model allows. */
export interface Speed {
  readonly forward: number;
  readonly gradient: number;
}

/** Rows through the model. Each gradient is a query too. */
export interface Cost {
  readonly queries: number;
  readonly gradients: number;
}

export interface Estimate {
  /** If every sample resists every attack: the most that the run can take. */
  readonly seconds: number;
  readonly queries: number;
  readonly gradients: number;
  /** Cheaper runs, as options to type. */
  readonly alternatives: readonly { readonly option: string; readonly seconds: number }[];
}

async function secondsPerRow(classifier: Classifier, pass: () => Promise<unknown>, now: () => number): Promise<number> {
  // The first pass builds the session and is not timed.
  await pass();
  const started = now();
  await Promise.all(Array.from({ length: classifier.concurrency }, pass));
  return (now() - started) / 1000 / (classifier.concurrency * classifier.maxBatch);
}

/** Times first batches of real samples; a model whose queries cost something is not asked for that: it says how fast it is. */
export async function measureSpeed(
  classifier: Classifier,
  data: Dataset,
  indices: readonly number[],
  now: () => number = () => performance.now(),
): Promise<Speed> {
  if (classifier.toll !== undefined) return { forward: classifier.toll.secondsPerQuery ?? 0, gradient: 0 };
  const count = classifier.maxBatch;
  const some = await Promise.all(indices.slice(0, Math.min(count, 16)).map((index) => data.sample(index)));
  const size = some[0]!.point.length;
  const rows = (): Rows => {
    const packed = new Float32Array(count * size);
    for (let row = 0; row < count; row++) packed.set(some[row % some.length]!.point, row * size);
    return { data: packed, count };
  };
  const labels = Int32Array.from({ length: count }, (_, row) => some[row % some.length]!.label);
  const forward = await secondsPerRow(classifier, () => classifier.scores(rows()), now);
  const gradient = classifier.capabilities.gradient
    ? await secondsPerRow(classifier, () => classifier.gradient(rows(), "cross-entropy", labels), now)
    : 0;
  return { forward, gradient };
}

/** Model time of these rows; a gradient pass holds its forward pass: one query and one gradient. */
function secondsOf({ queries, gradients }: Cost, speed: Speed): number {
  return Math.max(0, queries - gradients) * speed.forward + gradients * speed.gradient;
}

function bound(plan: Plan, options: PlanOptions, samples: number, speed: Speed): Omit<Estimate, "alternatives"> {
  let queries = 0;
  let gradients = 0;
  for (const { profiles } of plan.threats) {
    const cost = costPerSample(profiles, options.model.classes.length, options.overrides?.queries);
    queries += cost.queries * samples;
    gradients += cost.gradients * samples;
  }
  return { queries, gradients, seconds: secondsOf({ queries, gradients }, speed) };
}

/** Samples that the "unbounded reaches 0" check attacks with everything. */
const UNBOUNDED_SAMPLES = 20;
/** Times that the checks of the model ask each audited sample: once, four times again, and with noise and neighbors. */
const MODEL_CHECK_PASSES = 10;

/** Where queries cost something or are limited, curve and check take no more than these shares of what the attacks may: an attack is what was paid for. */
const CURVE_SHARE = 1 / 3;
const UNBOUNDED_SHARE = 1 / 4;

/** Samples of the audit subset that one curve, and one "unbounded reaches 0" check, attack. */
export interface Audited {
  readonly curve: number;
  readonly unbounded: number;
}

/** For each threat of the plan, in its order: with the most queries that each of them takes. */
export function auditedSamples(
  options: Pick<PlanOptions, "model" | "overrides">,
  plan: Plan,
): (Audited & { readonly queries: number })[] {
  const { model, overrides } = options;
  const classes = model.classes.length;
  const size = plan.audit.size;
  const scarce = model.toll !== undefined && (model.toll.costPerQuery > 0 || model.toll.left !== undefined);
  return plan.threats.map(({ threat, profiles }) => {
    const attack = curveAttack({ classifier: model, seed: plan.seed }, threat);
    const each = attack === null ? 0 : attack.definition.cost(attack.settings, { classes }).queries;
    const curveEach = curveThreats(threat).length * each;
    const own = profiles.filter(({ knowledge }) => knowledge !== "transfer").slice(0, 1);
    const isVoid = threat.text !== undefined || threat.rows !== undefined || threat.mask !== null;
    const unboundedEach = isVoid ? 0 : costPerSample(own, classes).queries;
    const attacks = costPerSample(profiles, classes, overrides?.queries).queries * plan.indices.length;
    const within = (most: number, share: number, cost: number) =>
      !scarce || cost === 0 ? most : Math.min(most, Math.floor((share * attacks) / cost));
    const curve = within(size, CURVE_SHARE, curveEach);
    const unbounded = within(Math.min(size, UNBOUNDED_SAMPLES), UNBOUNDED_SHARE, unboundedEach);
    return { curve, unbounded, queries: curve * curveEach + unbounded * unboundedEach };
  });
}

/** Upper bound of the queries of curve and checks, on the audit subset, for a model without gradients. */
export function auditCost(options: Pick<PlanOptions, "model" | "overrides">, plan: Plan): number {
  return auditedSamples(options, plan).reduce(
    (sum, { queries }) => sum + queries,
    MODEL_CHECK_PASSES * plan.audit.size,
  );
}

/** What the plan costs at this speed, and what quicker plans would. */
export function estimate(options: PlanOptions, plan: Plan, speed: Speed): Estimate {
  const own = bound(plan, options, plan.indices.length, speed);
  const quick = bound(makePlan({ ...options, attacks: ["quick"], overrides: {} }), options, plan.indices.length, speed);
  const fewer = bound(plan, options, 200, speed);
  const alternatives = [
    { option: "--attacks quick", seconds: quick.seconds },
    { option: "--samples 200", seconds: fewer.seconds },
  ].filter(({ seconds }) => seconds < 0.8 * own.seconds);
  return { ...own, alternatives };
}

/**
 * The most that a run under way can still take, at the pace it has had: if every sample that is not finished resists to the end. Falls
 * faster than the clock while samples are fooled, and is exact at last.
 * @param spent rows so far, those of unfinished samples included
 * @param finished rows of the finished samples
 */
export function secondsLeft(
  speed: Speed,
  run: {
    readonly perSample: Cost;
    readonly unfinished: number;
    readonly spent: Cost;
    readonly finished: Cost;
    readonly elapsed: number;
  },
): number {
  const spent = secondsOf(run.spent, speed);
  const underWay = spent - secondsOf(run.finished, speed);
  const left = Math.max(0, run.unfinished * secondsOf(run.perSample, speed) - underWay);
  return spent === 0 ? left : (left * run.elapsed) / spent;
}

/** `about 4 h`, `about 6 min`, `about 20 s`. */
export function aboutTime(seconds: number): string {
  if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `about ${Math.round(seconds / 60)} min`;
  const hours = seconds / 3600;
  return `about ${hours < 10 ? hours.toFixed(1).replace(/\.0$/, "") : Math.round(hours)} h`;
}
