import { planProfiles } from "../attacks/plan.ts";
import type { PlannedAttack, ProfilePlan } from "../attacks/record.ts";
import type { DataSample } from "../data/dataset.ts";
import type { Threat } from "../threats/threat.ts";
import { attackOnce, type Bench } from "./attack-once.ts";
import type { Curve } from "./curve.ts";
import { auditLines, isCorrect, isOutsideGoal, scoreAgainstWhiteBox, stands } from "./metrics.ts";
import type { Check, SampleLine, ThreatResult } from "./schema.ts";

/** Everything that the checks of one threat look at. */
export interface CheckContext {
  readonly bench: Bench;
  readonly threat: Threat;
  readonly profiles: readonly ProfilePlan[];
  readonly lines: readonly SampleLine[];
  readonly metrics: Pick<ThreatResult, "audit" | "statuses">;
  readonly audit: ReadonlySet<number>;
  /** The samples of the audit subset that the model gets right. */
  readonly samples: readonly DataSample[];
  readonly curve: Curve | null;
  readonly constant: boolean;
  /** The whole audit protocol was asked for. */
  readonly protocol: boolean;
}

type Outcome = Pick<Check, "status" | "detail">;

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const skipped = (detail: string): Outcome => ({ status: "skipped", detail });

/** Samples of the audit subset that this attack, from scratch, broke. */
function brokenInAudit(context: CheckContext, test: (attack: string, knowledge: string) => boolean): Set<number> {
  const broken = auditLines(context.lines, context.audit).filter((line) =>
    line.audit?.some((attempt) => attempt.outcome === "fooled" && test(attempt.attack, attempt.knowledge)),
  );
  return new Set(broken.map((line) => line.index));
}

function planned(context: CheckContext, name: string, set: readonly string[] = []): PlannedAttack | null {
  const { classifier } = context.bench;
  if (!classifier.capabilities.gradient && name === "fgsm") return null;
  const { profiles } = planProfiles(
    [name],
    null,
    { set },
    {
      threat: context.threat,
      dims: classifier.dims,
      classes: classifier.classes.length,
      capabilities: classifier.capabilities,
      surrogate: false,
    },
  );
  return profiles[0]?.attacks[0] ?? null;
}

/** One step must not find what many steps miss (Athalye et al., arXiv:1802.00420, section 3.1; Carlini et al., arXiv:1902.06705). */
async function oneStepVersusIterative(context: CheckContext): Promise<Outcome> {
  const whiteBox = context.profiles.find((profile) => profile.knowledge === "white-box");
  const iterative = whiteBox?.attacks.filter(({ definition }) => definition.name !== "fgsm") ?? [];
  if (iterative.length === 0) return skipped("no iterative gradient attack ran");
  let oneStep: Set<number>;
  if (whiteBox?.attacks.some(({ definition }) => definition.name === "fgsm"))
    oneStep = brokenInAudit(context, (attack) => attack === "fgsm");
  else {
    const fgsm = planned(context, "fgsm");
    if (fgsm === null) return skipped("FGSM does not fit this model");
    const lines = await attackOnce(context.bench, context.threat, [fgsm], context.samples);
    oneStep = new Set(lines.filter((line) => line.status === "fooled").map((line) => line.index));
  }
  const many = brokenInAudit(context, (attack, knowledge) => knowledge === "white-box" && attack !== "fgsm");
  const missed = [...oneStep].filter((index) => !many.has(index)).length;
  const of = context.metrics.audit.samples;
  const detail = `FGSM broke ${oneStep.size} of ${of}, iterative attacks ${many.size}; ${missed} were broken by FGSM alone`;
  // More than 1 % of the samples: the iterative attack does not work. One sample alone may be chance.
  if (missed > Math.max(1, 0.01 * of)) return { status: "fail", detail };
  return { status: missed > 0 ? "warn" : "pass", detail };
}

/** AutoAttack's own flag: Square lowers the accuracy by more than 0.2 points; beyond 2 points the gradients mislead. */
async function scoreVersusWhiteBox(context: CheckContext): Promise<Outcome> {
  const compared = scoreAgainstWhiteBox(context.lines);
  if (compared === null) return skipped("needs a white-box and a score attack");
  const { whiteBox, score, both, of } = compared;
  const drop = (whiteBox - both) / of;
  const beaten =
    score < whiteBox
      ? "the score attack beats each gradient attack: "
      : drop > 0.002
        ? "the score attack finds what gradients miss: "
        : "";
  const detail = `${beaten}${percent(whiteBox / of)} stand under gradients, ${percent(score / of)} under scores, ${percent(both / of)} under both`;
  if (drop > 0.02) return { status: "fail", detail };
  return { status: drop > 0.002 || score < whiteBox ? "warn" : "pass", detail };
}

/** With the whole box to move in, the same attack must fool the model always (targeted: nearly always). */
async function unboundedReachesZero(context: CheckContext): Promise<Outcome> {
  if (context.constant) return skipped("void: the model gives the same scores for every sample");
  if (context.threat.mask !== null) return skipped("void: behind a mask no attack is bound to succeed");
  const profile = context.profiles.find(({ knowledge }) => knowledge === "white-box") ?? context.profiles[0];
  const outside = new Set(context.lines.filter(isOutsideGoal).map((line) => line.index));
  const samples = context.samples.filter(({ index }) => !outside.has(index)).slice(0, 20);
  if (profile === undefined || profile.knowledge === "transfer" || samples.length === 0)
    return skipped("no attack on the model itself");
  const size = context.bench.classifier.dims.reduce((product, dim) => product * dim, 1);
  // The largest distance between two points of the box.
  const diameter = { linf: 1, l2: Math.sqrt(size), l1: size, l0: size }[context.threat.norm];
  const lines = await attackOnce(context.bench, context.threat.withEpsilon(diameter), profile.attacks, samples);
  const left = lines.filter(stands).length;
  const detail = `${left} of ${lines.length} samples stand when the whole box is allowed (${profile.knowledge} attacks)`;
  const allowed = context.threat.goal.kind === "untargeted" ? 0 : 0.05 * lines.length;
  return { status: left > allowed ? "fail" : "pass", detail };
}

async function monotoneEpsilon({ curve }: CheckContext): Promise<Outcome> {
  if (curve === null) return skipped("no curve");
  const count = curve.violations.length;
  if (count === 0)
    return { status: "pass", detail: `${curve.attack} breaks at each epsilon all that it broke at smaller ones` };
  const { index, brokenAt, standsAt } = curve.violations[0]!;
  return {
    status: "warn",
    detail: `${curve.attack} has not converged: ${count} times a sample broken at one epsilon stood at a larger one (sample ${index}: ${brokenAt}, ${standsAt})`,
  };
}

/** Random draws must find nothing that the attacks miss (Carlini et al., arXiv:1902.06705, section 4.5). */
async function noiseBaseline(context: CheckContext): Promise<Outcome> {
  if (!context.protocol) return skipped("part of --audit");
  const noise = planned(context, "noise", ["noise.queries=1000"]);
  if (noise === null) return skipped("needs scores");
  const lines = await attackOnce(context.bench, context.threat, [noise], context.samples);
  const byNoise = lines.filter((line) => line.status === "fooled");
  const standing = new Set(context.lines.filter(stands).map((line) => line.index));
  const missed = byNoise.filter((line) => standing.has(line.index)).length;
  const detail = `1,000 random draws broke ${byNoise.length} of ${lines.length}; ${missed} of them stood under every attack`;
  return { status: missed > 0 ? "fail" : "pass", detail };
}

async function everySampleEvaluated({ lines, metrics: { statuses } }: CheckContext): Promise<Outcome> {
  const { error } = statuses;
  const outside = lines.filter(isOutsideGoal).length;
  const outOfBudget = statuses.skipped - outside;
  if (error > 0) return { status: "warn", detail: `${error} samples ended in an error; they do not count as standing` };
  if (outOfBudget > 0)
    return {
      status: "warn",
      detail: `${outOfBudget} samples stood when their budget ran out; a larger one may break more`,
    };
  const unattacked = outside === 0 ? "" : `; ${outside} belong to the goal's only class, and stand unattacked`;
  return { status: "pass", detail: `every attack ended by itself on every sample${unattacked}` };
}

/** Checks of one threat, in the order in which they are shown. */
const THREAT_CHECKS: readonly { readonly id: string; run(context: CheckContext): Promise<Outcome> }[] = [
  { id: "one-step-vs-iterative", run: oneStepVersusIterative },
  { id: "score-vs-white-box", run: scoreVersusWhiteBox },
  { id: "unbounded-reaches-zero", run: unboundedReachesZero },
  { id: "monotone-epsilon", run: monotoneEpsilon },
  { id: "noise-baseline", run: noiseBaseline },
  { id: "every-sample-evaluated", run: everySampleEvaluated },
];

export const threatCheckIds: readonly string[] = THREAT_CHECKS.map(({ id }) => id);

export async function* checkThreat(context: CheckContext): AsyncGenerator<Check> {
  for (const { id, run } of THREAT_CHECKS) {
    const outcome = await run(context);
    // What was compared when the run was stopped is not whole.
    const cutShort = context.bench.signal?.aborted === true;
    yield { id, threat: context.threat.id, ...(cutShort ? skipped("the run was cut short") : outcome) };
  }
}

/**
 * Of a run that was cut short. Samples that fall are finished before those that resist, so the finished ones are no fair draw: what can
 * be said of all samples is a range.
 */
export function unfinished(threat: Threat, lines: readonly SampleLine[], plannedSamples: number): Check[] {
  const left = plannedSamples - lines.length;
  if (left === 0) return [];
  const standing = lines.filter(stands).length;
  const range = `${percent(standing / plannedSamples)} to ${percent((standing + left) / plannedSamples)}`;
  const detail = `${left} of ${plannedSamples} samples are not finished, and those that fall are finished first: of all ${plannedSamples}, ${range} would stand`;
  return [{ id: "all-samples-finished", threat: threat.id, status: "warn", detail }];
}

/** Samples of the audit subset that the model gets right, as far as the lines know. */
export function correctSamples(samples: readonly DataSample[], lines: readonly SampleLine[]): DataSample[] {
  const correct = new Set(lines.filter(isCorrect).map((line) => line.index));
  return samples.filter((sample) => correct.has(sample.index));
}
