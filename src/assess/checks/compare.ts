import type { LossChoice } from "../../attacks/aim.ts";
import type { Knowledge } from "../../attacks/attack.ts";
import type { PlannedAttack } from "../../attacks/record.ts";
import { findAttack } from "../../attacks/registry.ts";
import { attackFor } from "../attack-for.ts";
import { attackOnce } from "../attack-once.ts";
import { mcnemarMidP } from "../compare/paired.ts";
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
/** Share of the audited samples that the margin may break beyond what cross-entropy breaks. */
const BLINDED = 0.05;
const SIGNIFICANCE = 0.05;

/** Samples of the audit subset that an attack breaks from scratch: as it did there if it is the plan's, else now. */
async function brokenBy(context: ThreatContext, wanted: PlannedAttack): Promise<Set<number>> {
  const { name } = wanted.definition;
  const settings = JSON.stringify(wanted.settings);
  const same = (planned: PlannedAttack) =>
    planned.definition.name === name && JSON.stringify(planned.settings) === settings;
  if (whiteBoxOf(context).some(same)) return brokenInAudit(context, (attack) => attack === name);
  const lines = await attackOnce(context.bench, context.threat, [wanted], context.samples);
  return new Set(lines.filter((line) => line.status === "fooled").map((line) => line.index));
}

async function oneStepVersusIterative(context: ThreatContext): Promise<Outcome[]> {
  const planned = whiteBoxOf(context);
  const named = planned.find(({ definition }) => definition.name === "fgsm");
  const fgsm = named ?? attackFor(context.bench.classifier, context.threat, "fgsm");
  if (planned.length === (named === undefined ? 0 : 1)) return skipped("no iterative gradient attack ran");
  if (fgsm === null) return skipped("FGSM does not fit this threat");
  const oneStep = await brokenBy(context, fgsm);
  const many = brokenInAudit(context, (attack, knowledge) => knowledge === "white-box" && attack !== "fgsm");
  const missed = [...oneStep].filter((index) => !many.has(index)).length;
  const of = context.metrics.audit.samples;
  const detail = `FGSM broke ${oneStep.size} of ${of}, iterative attacks ${many.size}; ${missed} were broken by FGSM alone`;
  if (beyondChance(missed, of, 0.01)) return fail(detail);
  return missed > 0 ? warn(detail) : pass(detail);
}

const AUTO_PGD: Readonly<Partial<Record<LossChoice, string>>> = { "cross-entropy": "apgd-ce", margin: "apgd-margin" };

/** An iterative attack with everything but the loss as it is; null for one whose loss is no choice. */
function withLoss({ definition, settings }: PlannedAttack, loss: LossChoice): PlannedAttack | null {
  if (!(Number(settings["steps"]) > 1)) return null;
  if ("loss" in settings) return { definition, settings: { ...settings, loss } };
  if (!Object.values(AUTO_PGD).includes(definition.name)) return null;
  return { definition: findAttack(AUTO_PGD[loss]!), settings };
}

async function crossEntropyVersusMargin(context: ThreatContext): Promise<Outcome[]> {
  const planned = whiteBoxOf(context).find((attack) => withLoss(attack, "margin") !== null);
  if (planned === undefined) return skipped("no iterative attack on cross-entropy or the margin ran");
  const broken = (loss: LossChoice) => brokenBy(context, withLoss(planned, loss)!);
  const of = context.samples.length;
  const [byCrossEntropy, byMargin] = [await broken("cross-entropy"), await broken("margin")];
  const without = (one: ReadonlySet<number>, other: ReadonlySet<number>) =>
    [...one].filter((index) => !other.has(index)).length;
  const [missed, found] = [without(byMargin, byCrossEntropy), without(byCrossEntropy, byMargin)];
  const { steps, restarts = 1 } = planned.settings;
  const how = `${planned.definition.name.replace(/-.*/, "")}, ${steps} steps, ${restarts} start${restarts === 1 ? "" : "s"}`;
  const detail = `of ${of} samples ${of - byCrossEntropy.size} stand under cross-entropy, ${of - byMargin.size} under the margin (${how})`;
  return missed - found > BLINDED * of && mcnemarMidP(missed, found) < SIGNIFICANCE
    ? warn(`cross-entropy leads attacks astray here: ${detail}`)
    : pass(detail);
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
    id: "cross-entropy-vs-margin",
    rule: "The plan's first iterative attack on cross-entropy or the margin, with either loss and all else equal, from scratch on the audit subset. If the margin breaks more by over 5 % of the samples, and McNemar's p is below 5 %, warns.",
    source:
      "Label smoothing and adversarial robustness (arXiv:2009.08233); Mosbach et al., Logit pairing methods can fool gradient-based attacks (arXiv:1810.12042); threshold ours",
    remedy:
      "Don't count on a figure by cross-entropy alone: label smoothing and penalties on logits lower its success by far more than they protect. Attack the margin (part of standard; --set pgd.loss=margin).",
    run: crossEntropyVersusMargin,
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
