import type { DataSample } from "../../data/dataset.ts";
import { attackOnce } from "../attack-once.ts";
import { isCorrect, stands } from "../metrics.ts";
import { type CheckDefinition, fail, type Outcome, pass, percent, skipped, type ThreatContext, warn } from "./check.ts";
import { outsideGoal } from "./planned.ts";

/** Samples of the unbounded test, and of the search for neighbors. */
const PROBED = 20;

async function unboundedReachesZero(context: ThreatContext): Promise<Outcome[]> {
  const { threat, bench, profiles } = context;
  if (context.constant) return skipped("void: the model gives the same scores for every sample");
  if (threat.mask !== null) return skipped("void: behind a mask no attack is bound to succeed");
  if (threat.rows !== undefined) return skipped("void: inside a schema no attack is bound to succeed");
  if (threat.text !== undefined) return skipped("void: edits of these kinds, however many, need not make any text");
  const profile = profiles.find(({ knowledge }) => knowledge === "white-box") ?? profiles[0];
  const outside = outsideGoal(context);
  const samples = context.samples
    .filter(({ index }) => !outside.has(index))
    .slice(0, Math.min(PROBED, context.unbounded ?? PROBED));
  if (profile === undefined || profile.knowledge === "transfer" || samples.length === 0)
    return skipped(
      context.unbounded === 0 ? "it would cost more than a quarter of the attacks" : "no attack on the model itself",
    );
  const size = bench.classifier.dims.reduce((product, dim) => product * dim, 1);
  const lines = await attackOnce(bench, threat.withEpsilon(threat.diameter(size)), profile.attacks, samples);
  const left = lines.filter(stands).length;
  const detail = `${left} of ${lines.length} samples stand when the whole box is allowed (${profile.knowledge} attacks)`;
  const allowed = threat.goal.kind === "untargeted" ? 0 : 0.05 * lines.length;
  return left > allowed ? fail(detail) : pass(detail);
}

function monotoneEpsilon({ curve }: ThreatContext): Outcome[] {
  if (curve === null) return skipped("no curve");
  const count = curve.violations.length;
  if (count === 0) return pass(`${curve.attack} breaks at each epsilon all that it broke at smaller ones`);
  const { index, brokenAt, standsAt } = curve.violations[0]!;
  return warn(
    `${curve.attack} has not converged: ${count} times a sample broken at one epsilon stood at a larger one (sample ${index}: ${brokenAt}, ${standsAt})`,
  );
}

function commonest(labels: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return Math.max(...counts.values());
}

/** A standing sample with a sample of another class inside its ball that the model gets right: that one is a misclassification. */
function neighborInBall({ threat, lines, samples }: ThreatContext): readonly [DataSample, DataSample] | null {
  const standing = new Set(lines.filter(stands).map(({ index }) => index));
  for (const x of samples.filter(({ index }) => standing.has(index)).slice(0, PROBED))
    for (const other of samples)
      if (other.label !== x.label && threat.distance(other.point, x.point) <= threat.effectiveEpsilon)
        if (threat.violation(other.point, x.point) === null) return [x, other];
  return null;
}

function impossibleClaim(context: ThreatContext): Outcome[] {
  const { threat, lines, curve, samples } = context;
  if (threat.goal.kind !== "untargeted" || threat.mask !== null)
    return skipped("needs an untargeted attacker who may change every coordinate");
  if (lines.length === 0) return skipped("no sample was evaluated");
  const pair = neighborInBall(context);
  if (pair !== null)
    return fail(
      `sample ${pair[0].index} is said to stand, but sample ${pair[1].index} of another class lies inside its ball, and the model answers differently there`,
    );
  const half = threat.norm === "linf" ? 0.5 : Number.POSITIVE_INFINITY;
  // From 1/2 on every image can be turned into the same gray one, which has one answer.
  const claims = [
    {
      epsilon: threat.effectiveEpsilon,
      standing: lines.filter(stands).length,
      limit: commonest(lines.map(({ label }) => label)),
      of: lines.length,
    },
    ...(curve?.points ?? []).map(({ epsilon, unbroken, of }) => ({
      epsilon,
      standing: unbroken,
      limit: samples.length === 0 ? of : commonest(samples.map(({ label }) => label)),
      of,
    })),
  ];
  const impossible = claims.find(({ epsilon, standing, limit }) => epsilon >= half && standing > limit);
  if (impossible !== undefined) {
    const { epsilon, standing, limit, of } = impossible;
    return fail(
      `${standing} of ${of} are said to stand at ${epsilon}, where all can be turned into the same gray input, which is right for ${limit} at most`,
    );
  }
  const right = lines.filter(isCorrect).length;
  return pass(
    `no claim beyond what is possible (${percent(right / lines.length)} right, epsilon ${threat.epsilon.toPrecision(3)})`,
  );
}

export const EPSILON_CHECKS: readonly CheckDefinition<ThreatContext>[] = [
  {
    id: "unbounded-reaches-zero",
    rule: "The plan's attacks on 20 samples of the audit subset with the whole box as epsilon: one that stands fails (targeted: more than 5 %). Void for constant models and behind masks.",
    source: "Carlini et al. (arXiv:1902.06705); Athalye et al. (arXiv:1802.00420), section 3.1",
    remedy:
      "An attack without limits that fails is a broken attack: the model hides its gradients. Judge by score and label attacks.",
    run: unboundedReachesZero,
  },
  {
    id: "monotone-epsilon",
    rule: "The curve's attack runs afresh at each epsilon: a sample broken at one that stands at a larger one warns.",
    source: "Carlini et al. (arXiv:1902.06705)",
    remedy: "Give the attack more --steps and --restarts.",
    run: monotoneEpsilon,
  },
  {
    id: "impossible-claim",
    rule: "At L-inf epsilon 1/2 and above all inputs can become the same gray one: more standing samples than the commonest class has fail. At any epsilon a standing sample with a correctly classified sample of another class inside its ball fails.",
    source: "Carlini et al. (arXiv:1902.06705), claims that cannot be; arithmetic",
    remedy: "The attacks fail where success is certain: do not use the figure. Judge by score and label attacks.",
    run: impossibleClaim,
  },
];
