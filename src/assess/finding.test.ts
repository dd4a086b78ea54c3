import { describe, expect, it } from "vitest";
import { planProfiles } from "../attacks/plan.ts";
import type { SampleRecord } from "../attacks/record.ts";
import { sha256 } from "../base/hash.ts";
import { type Codec, fromLevels, imageCodec, vectorCodec } from "../inputs/index.ts";
import { linf } from "../threats/lp.ts";
import { type FindingContext, makeFinding } from "./finding.ts";
import { type Finding, findingSchema } from "./schema.ts";

const CONTEXT: FindingContext = {
  modelSha256: "a".repeat(64),
  classes: ["cat", "dog"],
  dataset: "csv:pets.csv",
  seed: 3,
  toolVersion: "0",
  runtime: "onnxruntime 1",
  meaning: "probabilities",
  now: () => new Date(0),
};
const THREAT = linf(0.1);

function findingOf(codec: Codec, x0: Float32Array, point: Float32Array): Finding {
  const context = { threat: THREAT, dims: codec.dims, classes: 2, surrogate: false };
  const capabilities = { output: "scores", gradient: true } as const;
  const [planned] = planProfiles(["fgsm"], null, {}, { ...context, capabilities }).profiles[0]!.attacks;
  const attempt = {
    attack: "fgsm",
    knowledge: "white-box",
    outcome: "fooled",
    queries: 1,
    gradients: 1,
    verifications: 1,
    rejected: 0,
    seconds: 0,
    nearest: null,
    found: { point, scores: Float32Array.of(0.25, 0.75), predicted: 1, distance: 0.1 },
  } as const;
  const record: SampleRecord = {
    id: "row 7",
    index: 7,
    label: 0,
    clean: { scores: Float32Array.of(0.5, 0.5), predicted: 0 },
    status: "fooled",
    profiles: [{ knowledge: "white-box", status: "fooled", attempts: [attempt] }],
    audit: null,
  };
  return makeFinding(CONTEXT, THREAT, codec, planned!, record, attempt, x0, null);
}

const FIELDS = [
  { name: "age", low: 0, high: 100 },
  { name: "weight", low: 0, high: 10 },
];
const vector = vectorCodec([2], FIELDS);
const image = imageCodec([2, 2, 1], "none", { encode: () => Promise.reject(), decode: () => Promise.reject() });

describe("a finding", () => {
  it("tells fields by name, in the user's own units, and probabilities as they are", () => {
    const { perturbation, outputChange } = findingOf(vector, Float32Array.of(0.3, 0.5), Float32Array.of(0.4, 0.5));
    expect(perturbation.location.fields).toEqual([{ index: 0, name: "age", from: 30, to: 40 }]);
    expect(outputChange).toMatchObject({
      meaning: "probabilities",
      before: { confidence: 0.5 },
      after: { confidence: 0.75, confidenceInTrue: 0.25 },
      rankOfTrueAfter: 2,
    });
  });

  it.each([
    ["vector", vector, Float32Array.of(0.3, 0.5), Float32Array.of(0.4, 0.5)],
    ["image", image, fromLevels(Uint8Array.of(1, 2, 3, 4)), fromLevels(Uint8Array.of(1, 2, 9, 4))],
  ] as const)("of a %s is what its schema says, to the order of its members", (_, codec, x0, x) => {
    const finding = findingOf(codec, x0, x);
    expect(JSON.stringify(findingSchema.parse(JSON.parse(JSON.stringify(finding))))).toBe(JSON.stringify(finding));
  });

  it("is named by model, both inputs and threat alone", () => {
    const [x0, x] = [Float32Array.of(0.3, 0.5), Float32Array.of(0.4, 0.5)];
    const inputs = [x0, x].map((point) => sha256(vectorCodec([2]).canonical(point)));
    expect(findingOf(vector, x0, x).id).toBe(sha256([CONTEXT.modelSha256, ...inputs, THREAT.id].join("\n")));
  });
});

describe("findings of other versions", () => {
  const finding = findingOf(image, new Float32Array(4), Float32Array.of(0, 0, 0.1, 0));

  it("without what came later are still read", () => {
    const { topRegions: _regions, energyMap: _map, spectrum: _bands, ...location } = finding.perturbation.location;
    const { l0Pixels: _pixels, ...magnitude } = finding.perturbation.magnitude;
    const answer = ({ top: _top, confidenceInTrue: _true, ...rest }: Finding["outputChange"]["before"]) => rest;
    const { js: _js, meaning: _meaning, before, after, ...change } = finding.outputChange;
    const perceptibility = { psnr: 26, band: "visible", rule: "L-inf alone" };
    const old = {
      ...finding,
      perturbation: { location, magnitude, perceptibility },
      outputChange: { ...change, before: answer(before), after: answer(after) },
    };
    expect(findingSchema.parse(old)).toEqual(old);
  });

  it("with members that nobody knows yet are read without these", () =>
    expect(findingSchema.parse({ ...finding, certificate: { method: "IBP" } })).toEqual(finding));
});
