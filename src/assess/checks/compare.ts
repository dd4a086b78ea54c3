import type { Knowledge } from "../../attacks/attack.ts";
import { attackFor } from "../attack-for.ts";
import { attackOnce } from "../attack-once.ts";
import { againstWhiteBox, stands } from "../metrics.ts";
import {
  beyondChance,
  type CheckDefinition,
  fail,
  type Outcome,
  pass,
  percent,
  skipped,
  type ThreatContext,
  warn,
} from "./check.ts";
import { brokenInAudit, whiteBoxOf } from "./planned.ts";

/** Draws of the noise baseline, per sample. */
const NOISE_DRAWS = 1000;

async function oneStepVersusIterative(context: ThreatContext): Promise<Outcome[]> {
  const planned = whiteBoxOf(context);
  const ranFgsm = planned.some(({ definition }) => definition.name === "fgsm");
  if (planned.length === (ranFgsm ? 1 : 0)) return skipped("no iterative gradient attack ran");
  let oneStep: Set<number>;
  if (ranFgsm) oneStep = brokenInAudit(context, (attack) => attack === "fgsm");
  else {
    const fgsm = attackFor(context.bench.classifier, context.threat, "fgsm");
    if (fgsm === null) return skipped("FGSM does not fit this threat");
    const lines = await attackOnce(context.bench, context.threat, [fgsm], context.samples);
    oneStep = new Set(lines.filter((line) => line.status === "fooled").map((line) => line.index));
  }
  const many = brokenInAudit(context, (attack, knowledge) => knowledge === "white-box" && attack !== "fgsm");
  const missed = [...oneStep].filter((index) => !many.has(index)).length;
  const of = context.metrics.audit.samples;
  const detail = `FGSM broke ${oneStep.size} of ${of}, iterative attacks ${many.size}; ${missed} were broken by FGSM alone`;
  if (beyondChance(missed, of, 0.01)) return fail(detail);
  return missed > 0 ? warn(detail) : pass(detail);
}

const OTHERS = { score: "scores", label: "labels", transfer: "transfer" } as const;

/** Whoever sees less of the model must not break more of it. `allowed`: shares of all samples from which it warns and fails. */
function versusWhiteBox(
  other: Exclude<Knowledge, "white-box">,
  allowed: { readonly warn: number; readonly fail: number },
) {
  return ({ lines, threat }: ThreatContext): Outcome[] => {
    if (threat.rows !== undefined) return skipped("void: legal values have gaps, where a search may beat any gradient");
    const compared = againstWhiteBox(lines, other);
    if (compared === null) return skipped(`needs a white-box and a ${other} attack`);
    const { whiteBox, of } = compared;
    const missed = whiteBox - compared.both;
    const verdict =
      compared.other < whiteBox
        ? `the ${other} profile beats each gradient attack: `
        : missed > allowed.warn * of
          ? `the ${other} profile finds what gradients miss: `
          : "";
    const detail = `${verdict}${percent(whiteBox / of)} stand under gradients, ${percent(compared.other / of)} under ${OTHERS[other]}, ${percent(compared.both / of)} under both`;
    if (beyondChance(missed, of, allowed.fail)) return fail(detail);
    return verdict === "" ? pass(detail) : warn(detail);
  };
}

async function noiseBaseline(context: ThreatContext): Promise<Outcome[]> {
  const noise = attackFor(context.bench.classifier, context.threat, "noise", [`noise.queries=${NOISE_DRAWS}`]);
  if (noise === null) return skipped("random draws do not fit this model or threat");
  const lines = await attackOnce(context.bench, context.threat, [noise], context.samples);
  const byNoise = lines.filter((line) => line.status === "fooled");
  const standing = new Set(context.lines.filter(stands).map((line) => line.index));
  const missed = byNoise.filter((line) => standing.has(line.index)).length;
  const detail = `1,000 random draws broke ${byNoise.length} of ${lines.length}; ${missed} of them stood under every attack`;
  return missed > 0 ? fail(detail) : pass(detail);
}

const MASKED =
  "Gradients mislead here: count on the profile that broke more, give its attack more --queries, and look for step functions, saturation or randomness in the model.";

export const COMPARISONS: readonly CheckDefinition<ThreatContext>[] = [
  {
    id: "one-step-vs-iterative",
    rule: "On the audit subset: samples that FGSM breaks and no iterative gradient attack does. Any warns; more than 1 % (and more than one) fail.",
    source: "Athalye et al. (arXiv:1802.00420), section 3.1; Carlini et al. (arXiv:1902.06705)",
    remedy:
      "The iterative attacks are caught on the way: run standard, with more --restarts, and other step sizes (--set pgd.stepSize=...).",
    run: oneStepVersusIterative,
  },
  {
    id: "score-vs-white-box",
    rule: "Samples that stand under the white-box profile and fall to the score profile. More than 0.2 % of all samples, or a score profile that breaks more in all, warn; more than 2 % (and more than one) fail.",
    source: "AutoAttack (arXiv:2003.01690), its flag for Square; Carlini et al. (arXiv:1902.06705)",
    remedy: MASKED,
    run: versusWhiteBox("score", { warn: 0.002, fail: 0.02 }),
  },
  {
    id: "label-vs-white-box",
    rule: "The same for the label profile.",
    source: "Carlini et al. (arXiv:1902.06705), gradient-free and hard-label attacks",
    remedy: MASKED,
    run: versusWhiteBox("label", { warn: 0.002, fail: 0.02 }),
  },
  {
    id: "transfer-vs-white-box",
    rule: "Samples that stand under the white-box profile and fall to inputs made against the surrogate. Any warns; more than 1 % (and more than one) fail.",
    source: "Carlini et al. (arXiv:1902.06705); Athalye et al. (arXiv:1802.00420)",
    remedy:
      "Gradients of another model work better than its own: the model hides its gradients. Count on the transfer profile, and look for step functions and saturation.",
    run: versusWhiteBox("transfer", { warn: 0, fail: 0.01 }),
  },
  {
    id: "noise-baseline",
    rule: "1,000 random points and corners of the ball for each correct sample of the audit subset: one that falls to them and stood under every attack fails.",
    source: "Carlini et al. (arXiv:1902.06705)",
    remedy: "The attacks miss what chance finds: run standard, or more --queries and --restarts.",
    needs: "audit",
    run: noiseBaseline,
  },
];
