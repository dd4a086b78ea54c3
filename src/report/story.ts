import type { Finding, Result } from "../assess/schema.ts";
import { type CommandContext, reproducingCommand } from "./command-line.ts";
import { editText } from "./edits.ts";
import { duration, epsilonText, grouped, percent, plural, sure } from "./format.ts";
import { fieldText, KNOWS, limitText, NORMS } from "./words.ts";

/** What the telling needs of the run that made the finding. */
export type StoryContext = CommandContext & { readonly model: Pick<Result["model"], "name" | "classes"> };

/** A finding as an experiment: plain text, which may hold whatever class and file names hold. Escape it for where it goes. */
export interface Story {
  /** What was given: the sample, the model's first answer, what the attacker knows and may change. */
  readonly input: string[];
  /** What was done: attack, settings, seed, queries. */
  readonly action: string[];
  /** What was observed: the new answer, the change, how it looks, how it was verified. */
  readonly outcome: string[];
  /** Makes exactly this finding again. */
  readonly command: string;
}

/** Tells a finding as input conditions, actions taken and outcomes observed. */
export function tellFinding(finding: Finding, context: StoryContext): Story {
  return {
    input: input(finding, context),
    action: action(finding),
    outcome: outcome(finding, context),
    command: reproducingCommand(finding, context),
  };
}

function className(label: number, { model }: StoryContext): string {
  return model.classes[label] ?? String(label);
}

function input(finding: Finding, context: StoryContext): string[] {
  const { constraints, outputChange, subject, threatModel } = finding;
  const { trueLabel, before } = outputChange;
  const id = subject.sampleId === String(subject.index) ? "" : ` (${subject.sampleId})`;
  const group = subject.group === undefined ? "" : `, of group ${subject.group}`;
  const { norm, epsilon, threat, quantization } = constraints;
  const limit = limitText({ norm, epsilon, id: threat, modality: subject.modality });
  const goal =
    threatModel.targetClass === undefined
      ? "Any wrong class counts as success"
      : `Only an answer that the goal allows counts, such as ${threatModel.targetClass}`;
  return [
    `Sample ${subject.index}${id} of ${subject.dataset}${group}: ${className(trueLabel, context)}`,
    `The model says ${className(before.label, context)}, ${sure(before.confidence)} sure`,
    `The attacker knows ${KNOWS[threatModel.knowledge]}`,
    `It may change ${limit}${quantization === undefined ? "" : "; the result must fit an 8-bit file"}`,
    goal,
  ];
}

function action({ attack, seed }: Finding): string[] {
  const settings = Object.entries(attack.settings).map(([key, value]) => `${key} ${value}`);
  const gradients = attack.gradientsUsed === 0 ? "" : `, ${grouped(attack.gradientsUsed)} of them with gradients`;
  return [
    `Attack ${attack.name}${settings.length === 0 ? "" : ` (${settings.join(", ")})`}, seed ${seed}`,
    `${plural(attack.queriesUsed, "query", "queries")}${gradients}, ${duration(attack.seconds)} of model time`,
  ];
}

function outcome(finding: Finding, context: StoryContext): string[] {
  const { outputChange, perturbation, verification } = finding;
  const { trueLabel, before, after, rankOfTrueAfter } = outputChange;
  const { perceptibility } = perturbation;
  const rule = perceptibility.rule === "" ? "" : ` (${perceptibility.rule})`;
  const psnr = perceptibility.psnr === null ? "" : `; PSNR ${perceptibility.psnr.toFixed(1)} dB`;
  return [
    `The model says ${className(after.label, context)}, ${sure(after.confidence)} sure; ${className(trueLabel, context)} is now choice ${rankOfTrueAfter}`,
    `The true class leads the others by ${signed(before.margin)} before and ${signed(after.margin)} after (difference of scores)`,
    sizeText(finding),
    ...(finding.subject.modality === "row"
      ? [turnText(finding, context)]
      : finding.subject.modality === "text"
        ? [...editLines(finding), `To a reader: ${perceptibility.band}${rule}`, ...defenseLines(finding)]
        : [placeText(finding), `Perceptibility: ${perceptibility.band}${rule}${psnr}`]),
    verified(verification),
  ];
}

function signed(value: number): string {
  return `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(2)}`;
}

function sizeText({ constraints, perturbation }: Finding): string {
  const { l0, l1, l2, linf, fields, edits, words } = perturbation.magnitude;
  if (edits !== undefined)
    return `Size of the change: ${plural(edits, "edit")} in ${plural(words ?? 0, "word")} (limit ${constraints.epsilon})`;
  if (fields !== undefined) return `Size of the change: ${plural(fields, "field")} (limit ${constraints.epsilon})`;
  const sizes = { linf: epsilonText(linf), l2: l2.toPrecision(3), l1: l1.toPrecision(3), l0: plural(l0, "value") };
  const order = ["linf", "l2", "l1", "l0"] as const;
  const limit = `${NORMS[constraints.norm as keyof typeof NORMS] ?? constraints.norm} limit ${epsilonText(constraints.epsilon)}`;
  return `Size of the change: ${order.map((norm) => `${NORMS[norm]} ${sizes[norm]}`).join(", ")} (${limit})`;
}

/** Edits that a story names one by one. */
const MOST_EDITS = 8;

function editLines({ perturbation }: Finding): string[] {
  const { edits = [] } = perturbation.location;
  const told = edits.slice(0, MOST_EDITS).map((edit) => `${editText(edit)} at character ${edit.start}`);
  const more = edits.length - told.length;
  return told.length === 0 ? [] : [`What: ${told.join("; ")}${more > 0 ? `; and ${plural(more, "more edit")}` : ""}`];
}

/** What would have stopped it: applied, and the model asked again. */
function defenseLines({ defenses }: Finding): string[] {
  if (defenses === undefined) return [];
  const stopping = defenses.filter(({ stops, cleanStands }) => stops && cleanStands).map(({ name }) => name);
  return [stopping.length === 0 ? "No normalization that was tried stops it" : `Stopped by: ${stopping.join(", ")}`];
}

/** `income 2,400 -> 2,650 turns reject into accept`. */
function turnText({ outputChange, perturbation }: Finding, context: StoryContext): string {
  const { fields = [] } = perturbation.location;
  const changes = fields.map(
    ({ index, name, from, to }) => `${name ?? `field ${index}`} ${fieldText(from)} -> ${fieldText(to)}`,
  );
  const more = (perturbation.magnitude.fields ?? fields.length) - fields.length;
  const turns = fields.length + more === 1 ? "turns" : "turn";
  const [before, after] = [outputChange.before.label, outputChange.after.label];
  return `${changes.join(", ")}${more > 0 ? ` and ${plural(more, "more field")}` : ""} ${turns} ${className(before, context)} into ${className(after, context)}`;
}

function placeText({ perturbation }: Finding): string {
  const { kind, support, bbox, fields, spectrum } = perturbation.location;
  const parts = [`${kind}: ${percent(support)} of the values`];
  if (bbox !== undefined) {
    const [top, left, bottom, right] = bbox;
    parts.push(`rows ${top} to ${bottom - 1}, columns ${left} to ${right - 1}`);
  }
  if (spectrum !== undefined)
    parts.push(
      `energy by frequency: ${percent(spectrum.low)} low, ${percent(spectrum.mid)} middle, ${percent(spectrum.high)} high`,
    );
  if (fields !== undefined && fields.length > 0)
    parts.push(
      fields
        .slice(0, 3)
        .map(
          ({ index, name, from, to }) =>
            `${name ?? `field ${index}`} from ${fieldText(from, 4)} to ${fieldText(to, 4)}`,
        )
        .join(", "),
    );
  return `Where: ${parts.join("; ")}`;
}

function verified({ agrees, inBox, inNorm, afterQuantization, runtime }: Finding["verification"]): string {
  const form = afterQuantization ? "the 8-bit input" : "the input";
  const bounds =
    inBox && inNorm ? "inside the allowed values and the limit" : "OUTSIDE the allowed values or the limit";
  return agrees
    ? `Verified: the original model, alone, on ${form} as deployed, ${bounds} (${runtime})`
    : `NOT verified: the original model does not agree on ${form} (${runtime})`;
}
