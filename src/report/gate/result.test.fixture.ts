import { type Gated, listOf } from "../../regression/case-list.ts";
import {
  GATE_SCHEMA,
  type GateCase,
  type GateResult,
  OUTCOMES,
  type Outcome,
  policySchema,
} from "../../regression/schema.ts";
import { countOutcomes, verdictOf } from "../../regression/verdict.ts";

/** Gates made up, with names that try to be markup, commands and other files. */

export const HOSTILE = '</script>|`x`\n::error::owned%0A\u202e\u0000<b> & "q"';

export function caseOf(outcome: Outcome, i = 0, more: Partial<GateCase> = {}): GateCase {
  const sample = (OUTCOMES.indexOf(outcome) * 1000 + i).toString(16).padStart(8, "0").padEnd(64, "0");
  const attacked = ["fixed", "moved", "newly-broken", "known-weakness"].includes(outcome);
  const fooled = outcome === "moved" || outcome === "known-weakness";
  return {
    sample,
    manifest: `samples/${sample.slice(0, 2)}/${sample}.json`,
    modality: "image",
    threat: "linf:8/255;uint8;untargeted",
    kinds: ["adversarial"],
    trusted: true,
    label: "stop",
    taken: ["yield"],
    rendition: "raw",
    candidate: {
      state: outcome === "fixed" || outcome === "moved" ? "resists" : "yields",
      predicted: "yield",
      margin: 0.5,
    },
    base: { state: "yields", predicted: "yield", margin: 0.5 },
    outcome,
    trainedOn: false,
    ...(attacked
      ? {
          attacked: {
            version: outcome === "fixed" || outcome === "moved" ? ("candidate" as const) : ("base" as const),
            outcome: fooled ? ("fooled" as const) : ("resisted" as const),
            attempts: [
              {
                attack: "apgd-warm",
                knowledge: "white-box" as const,
                outcome: fooled ? ("fooled" as const) : ("resisted" as const),
                queries: 7,
                gradients: 6,
              },
            ],
            ...(fooled ? { predicted: "yield" } : {}),
          },
        }
      : {}),
    ...more,
  };
}

/** The same as it is written. */
export function resultOf(cases: readonly GateCase[], more: Partial<Gated> = {}): GateResult {
  return { ...gateOf(cases, more), cases: [...cases] };
}

export function gateOf(cases: readonly GateCase[], more: Partial<Gated> = {}): Gated {
  const policy = policySchema.parse({});
  const list = listOf(cases);
  return {
    schema: GATE_SCHEMA,
    status: "complete",
    tool: { name: "blindspot", version: "1.2.3" },
    seed: 0,
    corpus: {
      name: "boundary",
      samples: cases.length,
      cases: cases.length,
      digest: "0".repeat(64),
      leftOut: { unlabelled: 0, rejected: 0, forgotten: 0, damagedFiles: 0 },
    },
    cost: { queries: 10, gradients: 5, replayed: 4, remembered: 3 },
    seconds: 1.5,
    base: { name: "v1.onnx", identity: "1".repeat(64), gradient: true },
    candidate: { name: "v2.onnx", identity: "2".repeat(64), gradient: true },
    effort: {
      suite: ["standard"],
      threats: [
        {
          threat: "linf:8/255;uint8;untargeted",
          attacks: [{ name: "apgd-warm", knowledge: "white-box", settings: { steps: 50 } }],
          queries: 103,
          gradients: 100,
        },
      ],
    },
    policy,
    fresh: null,
    freshProblem: null,
    baseline: null,
    verdict: verdictOf({ counts: list.counts, policy, ratchet: null, drop: null, freshProblem: null }),
    counts: countOutcomes(list.counts),
    cases: list,
    ...more,
  };
}
