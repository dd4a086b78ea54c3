import type { Knowledge } from "../../attacks/attack.ts";
import type { PlannedAttack } from "../../attacks/record.ts";
import type { PlantedMask } from "../../models/classifier.ts";
import { attackOnce } from "../attack-once.ts";
import { standsUnder } from "../metrics.ts";
import { beyondChance, type CheckDefinition, fail, type Outcome, pass, skipped, type ThreatContext } from "./check.ts";

const SAMPLES = 20;

/** Each mask, and the profiles that it leaves a way: nobody gets gradients through a rounding whose derivative is zero. */
const MASKS: readonly { readonly mask: PlantedMask; readonly passable: readonly Knowledge[] }[] = [
  { mask: "scaled-logits", passable: ["white-box", "score"] },
  { mask: "quantized-input", passable: ["white-box", "score"] },
  { mask: "rounded-input", passable: ["score"] },
];

/** Samples that stand under each of the profiles. */
async function standing(
  context: ThreatContext,
  classifier: ThreatContext["bench"]["classifier"],
  profiles: readonly { readonly knowledge: Knowledge; readonly attacks: readonly PlannedAttack[] }[],
): Promise<Map<Knowledge, number>> {
  const result = new Map<Knowledge, number>();
  for (const { knowledge, attacks } of profiles) {
    const lines = await attackOnce(
      { ...context.bench, classifier },
      context.threat,
      attacks,
      context.samples.slice(0, SAMPLES),
    );
    result.set(knowledge, lines.filter((line) => standsUnder(line, knowledge)).length);
  }
  return result;
}

async function plantedMasks(context: ThreatContext): Promise<Outcome[]> {
  const { bench, profiles } = context;
  const { access } = bench.classifier;
  if (access === undefined) return skipped("needs the model's graph");
  const own = profiles.filter(({ knowledge }) => knowledge === "white-box" || knowledge === "score");
  if (own.length === 0) return skipped("no gradient or score attack ran");
  const of = Math.min(SAMPLES, context.samples.length);
  const plain = await standing(context, bench.classifier, own);
  const told: string[] = [];
  let held = false;
  for (const { mask, passable } of MASKS) {
    const tried = own.filter(({ knowledge }) => passable.includes(knowledge));
    if (tried.length === 0) continue;
    const masked = await access.masked(mask);
    const left = await standing(context, masked, tried).finally(() => masked.close());
    for (const [knowledge, count] of left) {
      told.push(`${mask} ${count} (${knowledge})`);
      held ||= beyondChance(count - plain.get(knowledge)!, of, 0.05);
    }
  }
  const without = [...plain].map(([knowledge, count]) => `${count} (${knowledge})`).join(", ");
  const detail = `of ${of} samples stand without a mask ${without}; behind a mask: ${told.join(", ")}`;
  return held ? fail(`${detail}: a mask that changes nothing fools the attacks`) : pass(detail);
}

export const PLANTED_MASKS: CheckDefinition<ThreatContext> = {
  id: "planted-masks",
  rule: "The model behind masks that leave it as it is on 8-bit inputs: logits times 10,000; the input rounded to 8 bits with a gradient that passes straight through; the same with a gradient of zero (score attacks only). On 20 correct samples of the audit subset each profile must break as many as without mask, to within 5 % or one sample.",
  source: "Carlini et al. (arXiv:1902.06705), section 4.2: test attacks on defenses that are known to be broken",
  remedy:
    "The chosen attacks can be fooled by a mask that changes nothing: use standard (losses on logits, and a score attack).",
  needs: "active",
  run: plantedMasks,
};
