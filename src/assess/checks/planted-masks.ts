import type { Knowledge } from "../../attacks/attack.ts";
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

async function plantedMasks(context: ThreatContext): Promise<Outcome[]> {
  const { bench, profiles, threat } = context;
  const { access } = bench.classifier;
  if (access === undefined) return skipped("needs the model's graph");
  const samples = context.samples.slice(0, SAMPLES);
  const taken = new Set(samples.map(({ index }) => index));
  const told: string[] = [];
  let held = false;
  for (const { mask, passable } of MASKS) {
    const masked = await access.masked(mask);
    try {
      for (const { knowledge, attacks } of profiles.filter((profile) => passable.includes(profile.knowledge))) {
        // On the audit subset each attack ran from scratch, as it does here.
        const without = context.lines.filter((line) => taken.has(line.index) && standsUnder(line, knowledge)).length;
        const lines = await attackOnce({ ...bench, classifier: masked }, threat, attacks, samples);
        const behind = lines.filter((line) => standsUnder(line, knowledge)).length;
        told.push(`${behind} behind ${mask}, ${without} without (${knowledge})`);
        held ||= beyondChance(behind - without, samples.length, 0.05);
      }
    } finally {
      await masked.close();
    }
  }
  if (told.length === 0) return skipped("no gradient or score attack ran");
  const detail = `of ${samples.length} samples stand ${told.join("; ")}`;
  return held ? fail(`${detail}: a mask that changes nothing fools the attacks`) : pass(detail);
}

export const PLANTED_MASKS: CheckDefinition<ThreatContext> = {
  id: "planted-masks",
  rule: "The model behind masks that leave it as it is on 8-bit inputs: logits times 10,000; the input rounded to 8 bits with a gradient that passes straight through; the same with a gradient of zero (score attacks only). On 20 correct samples of the audit subset each profile must break as many as without mask, to within 5 % or one sample.",
  source: "Carlini et al. (arXiv:1902.06705): test attacks on defenses that are known to be broken",
  remedy:
    "The chosen attacks can be fooled by a mask that changes nothing: use standard (losses on logits, and a score attack).",
  needs: "active",
  run: plantedMasks,
};
