import type { Knowledge } from "../attacks/attack.ts";
import type { AttemptRecord, PlannedAttack, SampleRecord, VerifiedCandidate } from "../attacks/record.ts";
import { sha256 } from "../base/hash.ts";
import type { Codec } from "../inputs/codec.ts";
import { goalName } from "../threats/goal.ts";
import type { Threat } from "../threats/threat.ts";
import { FINDING_SCHEMA, type Finding } from "./schema.ts";

/** What all findings of a run share. */
export interface FindingContext {
  readonly modelSha256: string;
  readonly classes: readonly string[];
  readonly dataset: string;
  readonly seed: number;
  readonly toolVersion: string;
  readonly runtime: string;
  readonly now: () => Date;
}

type Blobs = NonNullable<Finding["perturbation"]["blob"]>;

/** Ids and names as of MITRE ATLAS 5.6.1. */
const ATLAS_VERSION = "5.6.1";
const ATLAS_CRAFT: Record<Knowledge, { id: string; name: string }> = {
  "white-box": { id: "AML.T0043.000", name: "Craft Adversarial Data: White-Box Optimization" },
  score: { id: "AML.T0043.001", name: "Craft Adversarial Data: Black-Box Optimization" },
  label: { id: "AML.T0043.001", name: "Craft Adversarial Data: Black-Box Optimization" },
  transfer: { id: "AML.T0043.002", name: "Craft Adversarial Data: Black-Box Transfer" },
};

function mappings(knowledge: Knowledge): Finding["mappings"] {
  return {
    atlas: [ATLAS_CRAFT[knowledge], { id: "AML.T0015", name: "Evade AI Model" }].map((technique) => ({
      ...technique,
      version: ATLAS_VERSION,
    })),
    owasp: ["ML01:2023"],
    // NIST AI 100-2 E2025: evasion, and black-box evasion.
    nist: [knowledge === "white-box" ? "NISTAML.022" : "NISTAML.025"],
    cwe: ["CWE-1039"],
    aiAct: ["Article 15(5)"],
  };
}

/** Where and how much `x` differs from `x0`; rows are [height, width, channels] or [features]. */
export function perturbation(
  x: Float32Array,
  x0: Float32Array,
  dims: readonly number[],
): Omit<Finding["perturbation"], "blob"> {
  let l0 = 0;
  let l1 = 0;
  let squares = 0;
  let linf = 0;
  let cleanSquares = 0;
  const image = dims.length === 3;
  const [, width = 1, channels = 1] = dims;
  const box = { top: Number.POSITIVE_INFINITY, left: Number.POSITIVE_INFINITY, bottom: 0, right: 0 };
  const moment = { row: 0, column: 0 };
  for (let i = 0; i < x.length; i++) {
    const delta = x[i]! - x0[i]!;
    cleanSquares += x0[i]! * x0[i]!;
    if (delta === 0) continue;
    const energy = delta * delta;
    l0++;
    l1 += Math.abs(delta);
    squares += energy;
    linf = Math.max(linf, Math.abs(delta));
    if (!image) continue;
    const pixel = Math.floor(i / channels);
    const row = Math.floor(pixel / width);
    const column = pixel % width;
    box.top = Math.min(box.top, row);
    box.left = Math.min(box.left, column);
    box.bottom = Math.max(box.bottom, row + 1);
    box.right = Math.max(box.right, column + 1);
    moment.row += energy * row;
    moment.column += energy * column;
  }
  const l2 = Math.sqrt(squares);
  return {
    location: {
      support: l0 / x.length,
      ...(image && l0 > 0
        ? {
            bbox: [box.top, box.left, box.bottom, box.right] as [number, number, number, number],
            centroid: [moment.row / squares, moment.column / squares] as [number, number],
          }
        : {}),
    },
    magnitude: { l0, l1, l2, linf, relativeL2: cleanSquares === 0 ? l2 : l2 / Math.sqrt(cleanSquares) },
    // 10 log10(MAX^2 / MSE) with MAX = 1; identical inputs have none.
    perceptibility: { psnr: squares === 0 ? null : 10 * Math.log10(x.length / squares) },
  };
}

function outcome(scores: Float32Array, predicted: number, label: number): Finding["outputChange"]["before"] {
  let other = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) if (i !== label) other = Math.max(other, scores[i]!);
  return { label: predicted, margin: scores[label]! - other, scores: Array.from(scores) };
}

function outputChange(record: SampleRecord, found: VerifiedCandidate): Finding["outputChange"] {
  const { label, clean } = record;
  const change = found.scores.map((score, i) => score - clean.scores[i]!);
  return {
    trueLabel: label,
    before: outcome(clean.scores, clean.predicted, label),
    after: outcome(found.scores, found.predicted, label),
    scoreDeltaL2: Math.hypot(...change),
    rankOfTrueAfter: 1 + found.scores.filter((score) => score > found.scores[label]!).length,
  };
}

/**
 * A verified misclassification as `findings.jsonl` keeps it. `x0` is the clean point; the attempt must have found something.
 * The id depends on model, both inputs and threat only: the same discovery made twice has one id.
 */
export function makeFinding(
  context: FindingContext,
  threat: Threat,
  codec: Codec,
  planned: PlannedAttack,
  record: SampleRecord,
  attempt: AttemptRecord & { readonly found: VerifiedCandidate },
  x0: Float32Array,
  blob: Blobs | null,
): Finding {
  const { found } = attempt;
  const target = threat.goal.kind === "untargeted" ? undefined : context.classes[found.predicted];
  const inputs = [x0, found.point].map((point) => sha256(codec.canonical(point)));
  return {
    schema: FINDING_SCHEMA,
    id: sha256([context.modelSha256, ...inputs, threat.id].join("\n")),
    createdAt: context.now().toISOString(),
    toolVersion: context.toolVersion,
    seed: context.seed,
    subject: {
      modelSha256: context.modelSha256,
      modality: codec.modality,
      dataset: context.dataset,
      sampleId: record.id,
      index: record.index,
      ...(record.group === undefined ? {} : { group: record.group }),
    },
    threatModel: {
      goal: "integrity",
      specificity: goalName(threat.goal) === "untargeted" ? "untargeted" : "targeted",
      ...(target === undefined ? {} : { targetClass: target }),
      knowledge: attempt.knowledge,
      capability: "testing-data-control",
      physical: false,
    },
    attack: {
      name: attempt.attack,
      settings: { ...planned.settings },
      queriesUsed: attempt.queries,
      gradientsUsed: attempt.gradients,
      seconds: attempt.seconds,
    },
    constraints: {
      threat: threat.id,
      norm: threat.norm,
      epsilon: threat.epsilon,
      effectiveEpsilon: threat.effectiveEpsilon,
      scale: "[0,1]",
      box: [0, 1],
      ...(threat.quantize === "uint8" ? { quantization: "uint8" as const } : {}),
    },
    perturbation: { ...perturbation(found.point, x0, codec.dims), ...(blob === null ? {} : { blob }) },
    outputChange: outputChange(record, found),
    verification: {
      runtime: context.runtime,
      agrees: true,
      inBox: codec.check(found.point) === null,
      inNorm: threat.violation(found.point, x0) === null,
      afterQuantization: threat.quantize === "uint8",
      minimized: false,
    },
    mappings: mappings(attempt.knowledge),
  };
}
