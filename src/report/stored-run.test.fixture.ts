import { encode } from "fast-png";
import { type Finding, RESULT_SCHEMA, type Result, type Risk, type ThreatResult } from "../assess/schema.ts";
import { proportion } from "../assess/statistics.ts";
import type { StoredRun } from "../assess/store.ts";
import { sha256 } from "../base/hash.ts";

/** Runs as they are read back from a folder, made up: every number has a role, none was measured. */

const attack = (name: string, attempted: number, succeeded: number, after: number, median: number | null) => ({
  name,
  settings: {},
  attempted,
  succeeded,
  robustAccuracyAfter: after,
  queries: { total: 12_345, median, p95: null },
  gradients: { total: 0 },
  seconds: 3.25,
  rejected: 0,
});

/** A robust accuracy as a result holds it. */
export const robust = (unbroken: number, of: number) => ({ ...proportion(unbroken, of), unbroken, of });

export const THREAT: ThreatResult = {
  id: "linf:8/255;uint8;untargeted",
  norm: "linf",
  epsilon: 8 / 255,
  effectiveEpsilon: 8 / 255,
  quantize: "uint8",
  goal: "untargeted",
  robustAccuracy: robust(30, 200),
  attackSuccess: { ...proportion(168, 198), fooled: 168, of: 198 },
  statuses: { misclassified: 2, fooled: 168, resisted: 30, skipped: 0, error: 0 },
  curve: [
    { epsilon: 0, accuracy: 0.975, unbroken: 39, of: 40, raw: 39 },
    { epsilon: 8 / 255, accuracy: 0.2, unbroken: 8, of: 40, raw: 8 },
  ],
  curveAttack: "pgd",
  profiles: [
    {
      knowledge: "white-box",
      robustAccuracy: robust(32, 200),
      attacks: [attack("apgd-ce", 198, 160, 0.19, 9), attack("apgd-t", 38, 6, 0.16, null)],
    },
    { knowledge: "score", robustAccuracy: robust(90, 200), attacks: [attack("square", 198, 108, 0.45, 340)] },
  ],
  audit: {
    samples: 40,
    attacks: [
      { ...attack("apgd-ce", 39, 31, 0.2, 8), knowledge: "white-box" },
      { ...attack("apgd-t", 39, 32, 0.175, 120), knowledge: "white-box" },
      { ...attack("square", 39, 21, 0.45, 1210), knowledge: "score" },
    ],
  },
};

export const RESULT: Result = {
  schema: RESULT_SCHEMA,
  status: "complete",
  tool: { name: "blindspot", version: "0.1.0" },
  runtime: null,
  options: { model: "signs.onnx", data: "npz:test.npz" },
  seed: 0,
  startedAt: new Date(0).toISOString(),
  seconds: 60,
  model: {
    kind: "onnx",
    name: "signs.onnx",
    sha256: "0".repeat(64),
    classes: ["stop", "yield"],
    dims: [32, 32, 3],
    preprocessing: {},
    gradient: true,
    notes: ["batch of 1 freed (8 rows agree)"],
  },
  data: {
    spec: "npz:test.npz",
    sha256: "0".repeat(64),
    samples: 200,
    draw: "seeded draw of 200 of 1000, stratified by class",
  },
  clean: { accuracy: 0.99, correct: 198, of: 200, sampling95: proportion(198, 200).sampling95 },
  naturalErrors: [
    { sample: "img-7", index: 7, label: 0, predicted: 1 },
    { sample: "img-9", index: 9, label: 1, predicted: 0 },
  ],
  threats: [THREAT],
  checks: [
    { id: "determinism", status: "pass", detail: "the same outputs" },
    { id: "monotone-epsilon", status: "warn", detail: "pgd has not converged", threat: THREAT.id },
  ],
  badge: "E1",
  notTested: ["attackers with labels alone"],
  findings: 168,
};

const MAPPINGS: Risk["mappings"] = {
  atlas: [{ id: "AML.T0015", name: "Evade AI Model", version: "5.6.1" }],
  owasp: ["ML01:2023"],
  nist: ["NISTAML.022"],
  cwe: ["CWE-1039"],
  aiAct: ["Article 15(5)"],
};

/** A risk of the one threat: High, by the white-box profile. */
export function riskOf({ assessed }: { readonly assessed: boolean }): Risk {
  const source = assessed ? ("declared" as const) : ("default" as const);
  const pair = { true: "stop", wrong: "yield" };
  return {
    formula: "blindspot-risk/1",
    declared: {
      exposure: "public",
      viewer: "none",
      impact: { default: 3, defaultDeclared: assessed, pairs: [] },
      assessed,
    },
    threats: [
      {
        threat: THREAT.id,
        profiles: [
          {
            knowledge: "white-box",
            inReach: true,
            fooled: 166,
            of: 198,
            p: 0.84,
            pHigh: 0.89,
            medianQueries: null,
            queryStep: 1,
            access: 1,
            effort: 1,
            stealthBand: "visible",
            stealth: 1,
            likelihood: 0.84,
            likelihoodHigh: 0.89,
          },
        ],
        profile: "white-box",
        enough: true,
        likelihood: { value: 0.84, high: 0.89, band: "very likely", bandHigh: "very likely" },
        impact: { value: 3, source, pair },
        severity: { value: "High", high: "High", shown: "High" },
        pairs: [
          {
            ...pair,
            trueLabel: 0,
            wrongLabel: 1,
            samples: 90,
            findings: 90,
            impact: 3,
            source,
            severity: "High",
            severityHigh: "High",
            shown: "High",
          },
        ],
        arithmetic: "L = 0.84 x 1 x 1 = 0.84",
      },
    ],
    mappings: MAPPINGS,
    catalogs: [],
    mitigations: [],
  };
}

/** Names that try to leave the place they are written to. */
export const HOSTILE = [
  `<script>alert("1")</script>`,
  "</td></table><img src=x onerror=alert(1)>",
  '=HYPERLINK("http://evil.example","click")',
  "a|b`c`*d*_e_[f](g)@octocat #1",
  "tab\tnew\nline\u202eright to left\u0000",
  "'; rm -rf ~; echo '",
] as const;

export interface RunShape {
  readonly findings?: number;
  /** Default: `stop`, `yield`. */
  readonly classes?: readonly string[];
  readonly result?: Partial<Result>;
  /** Names of samples, by index. */
  readonly sampleName?: (index: number) => string;
}

/** A stored run with so many findings, each with its two images of 32x32 pixels. */
export function storedRun({
  findings: count = 3,
  classes = ["stop", "yield"],
  result,
  sampleName,
}: RunShape = {}): StoredRun {
  const blobs = new Map<string, Uint8Array>();
  const keep = (image: Uint8Array) => {
    const bytes = new Uint8Array(encode({ width: 32, height: 32, channels: 3, data: image }));
    const path = `blobs/${sha256(bytes)}.png`;
    blobs.set(path, bytes);
    return path;
  };
  const findings = Array.from({ length: count }, (_, index) => {
    const { original, adversarial } = images(index);
    const made = madeFinding(index, classes, sampleName?.(index) ?? `img-${index}`);
    const blob = { original: keep(original), adversarial: keep(adversarial) };
    return { ...made, perturbation: { ...made.perturbation, blob } };
  });
  return {
    result: { ...RESULT, model: { ...RESULT.model, classes: [...classes] }, findings: count, ...result },
    samples: [],
    findings,
    problems: [],
    blob: async (path) => blobs.get(path) ?? null,
  };
}

/** A disk on a slope, and the same with stripes of 8 grey levels; no two indices alike. */
function images(index: number): { original: Uint8Array; adversarial: Uint8Array } {
  const original = new Uint8Array(32 * 32 * 3);
  const adversarial = new Uint8Array(original.length);
  for (let i = 0; i < original.length; i++) {
    const row = Math.floor(i / 96);
    const column = Math.floor(i / 3) % 32;
    const inside = Math.hypot(row - 16, column - 16) < 10;
    original[i] = (inside ? 200 - 60 * (i % 3) : 40 + row + column) + ((index >> (row % 8)) & 1);
    adversarial[i] = original[i]! + ((row + column + index) % 2 === 0 ? 8 : -8);
  }
  return { original, adversarial };
}

function madeFinding(index: number, classes: readonly string[], sampleId: string): Finding {
  const trueLabel = index % classes.length;
  const wrong = (index + 1) % classes.length;
  const scores = (label: number) => classes.map((_, i) => (i === label ? 3 : i === trueLabel ? 1 : 0));
  return {
    schema: "blindspot-finding/1",
    id: sha256(`finding ${index}`),
    createdAt: new Date(0).toISOString(),
    toolVersion: "0.1.0",
    seed: 0,
    subject: {
      modelSha256: "0".repeat(64),
      modality: "image",
      dataset: "npz:test.npz",
      sampleId,
      index,
    },
    threatModel: {
      goal: "integrity",
      specificity: "untargeted",
      knowledge: "white-box",
      capability: "testing-data-control",
      physical: false,
    },
    attack: { name: "pgd", settings: { steps: 20, loss: "margin" }, queriesUsed: 12, gradientsUsed: 11, seconds: 0.04 },
    constraints: {
      threat: THREAT.id,
      norm: "linf",
      epsilon: 8 / 255,
      effectiveEpsilon: 8 / 255,
      scale: "[0,1]",
      box: [0, 1],
      quantization: "uint8",
    },
    perturbation: {
      location: { kind: "dense", support: 1, bbox: [0, 0, 32, 32], centroid: [15.5, 15.5] },
      magnitude: { l0: 3072, l1: 96.4, l2: 1.74, linf: 8 / 255, relativeL2: 0.05 },
      perceptibility: { psnr: 30.1, ssim: 0.91, band: "visible", rule: "SSIM under .95" },
    },
    outputChange: {
      trueLabel,
      before: { label: trueLabel, confidence: 0.9999 - index * 1e-5, margin: 2, scores: scores(trueLabel) },
      after: { label: wrong, confidence: 0.88, margin: -2, scores: scores(wrong) },
      scoreDeltaL2: 2.83,
      kl: 0.9,
      rankOfTrueAfter: 2,
    },
    verification: {
      runtime: "onnxruntime-node 1.30.0",
      agrees: true,
      inBox: true,
      inNorm: true,
      afterQuantization: true,
      minimized: false,
    },
    mappings: MAPPINGS,
  };
}
