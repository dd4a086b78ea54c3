import type { AttemptRecord, PlannedAttack, SampleRecord, VerifiedCandidate } from "../attacks/record.ts";
import { sha256 } from "../base/hash.ts";
import type { Codec } from "../inputs/codec.ts";
import type { ScoreMeaning } from "../models/classifier.ts";
import { goalName } from "../threats/goal.ts";
import type { Threat } from "../threats/threat.ts";
import { outputChange } from "./analysis/output-change.ts";
import { perturbation } from "./analysis/perturbation.ts";
import { mappings } from "./mappings.ts";
import { FINDING_SCHEMA, type Finding } from "./schema.ts";

/** What all findings of a run share. */
export interface FindingContext {
  readonly modelSha256: string;
  readonly classes: readonly string[];
  readonly dataset: string;
  readonly seed: number;
  readonly toolVersion: string;
  readonly runtime: string;
  /** What the original model's scores are. */
  readonly meaning: ScoreMeaning;
  readonly now: () => Date;
}

type Blobs = NonNullable<Finding["perturbation"]["blob"]>;

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
    perturbation: { ...perturbation(found.point, x0, codec), ...(blob === null ? {} : { blob }) },
    outputChange: outputChange(record, found, context.meaning),
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
