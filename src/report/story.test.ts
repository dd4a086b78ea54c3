import { describe, expect, it } from "vitest";
import type { Finding } from "../assess/schema.ts";
import { runCommand } from "./command-line.ts";
import { RESULT, storedRun } from "./stored-run.test.fixture.ts";
import { tellFinding } from "./story.ts";
import { limitText } from "./words.ts";

const [first] = storedRun({ findings: 1 }).findings as [Finding];

describe("tellFinding", () => {
  it("tells input, action and outcome, and how to make it again", () => {
    expect(tellFinding(first, RESULT)).toMatchInlineSnapshot(`
      {
        "action": [
          "Attack pgd (steps 20, loss margin), seed 0",
          "12 queries, 11 of them with gradients, 0.0 s of model time",
        ],
        "command": "npx blindspot attack pgd --model signs.onnx --data npz:test.npz --threat linf:8/255 --samples index:0 --seed 0 --set pgd.steps=20 --set pgd.loss=margin",
        "input": [
          "Sample 0 (img-0) of npz:test.npz: stop",
          "The model says stop, more than 99.9 % sure",
          "The attacker knows the model itself, with its gradients",
          "It may change every value by at most 8/255 of its range (L-inf); the result must fit an 8-bit file",
          "Any wrong class counts as success",
        ],
        "outcome": [
          "The model says yield, 88.0 % sure; stop is now choice 2",
          "The true class leads the others by +2.00 before and -2.00 after (difference of scores)",
          "Size of the change: L-inf 8/255, L2 1.74, L1 96.4, L0 3,072 values (L-inf limit 8/255)",
          "Where: dense: 100.0 % of the values; rows 0 to 31, columns 0 to 31",
          "Perceptibility: visible (SSIM under .95); PSNR 30.1 dB",
          "Verified: the original model, alone, on the 8-bit input as deployed, inside the allowed values and the limit (onnxruntime-node 1.30.0)",
        ],
      }
    `);
  });

  it("names what is no image by its fields, what is targeted by its target, and what did not verify", () => {
    const { perturbation } = first;
    const { bbox: _, ...location } = perturbation.location;
    const fields = [
      { index: 3, name: "income", from: 41200.4, to: 44000 },
      { index: 7, from: 0.25, to: 0 },
    ];
    const told = tellFinding(
      {
        ...first,
        subject: { ...first.subject, modality: "vector", group: "customer 9" },
        threatModel: { ...first.threatModel, specificity: "targeted", targetClass: "yield", knowledge: "label" },
        constraints: {
          ...first.constraints,
          threat: "l0:2;none;targeted:1",
          norm: "l0",
          epsilon: 2,
          effectiveEpsilon: 2,
        },
        perturbation: { ...perturbation, location: { ...location, support: 2 / 30, kind: "sparse", fields } },
        verification: { ...first.verification, agrees: false, afterQuantization: false },
      },
      RESULT,
    );
    expect(told.input[0]).toBe("Sample 0 (img-0) of npz:test.npz, of group customer 9: stop");
    expect(told.input.slice(2)).toEqual([
      "The attacker knows the class that the model gives to any input, without scores",
      "It may change at most 2 fields, as far as it likes (L0); the result must fit an 8-bit file",
      "Only an answer that the goal allows counts, such as yield",
    ]);
    expect(told.outcome[3]).toBe(
      "Where: sparse: 6.7 % of the values; income from 41200 to 44000, field 7 from 0.25 to 0",
    );
    expect(told.outcome.at(-1)).toMatch(/^NOT verified/);
  });

  it("carries what the run was given, and a surrogate only to attacks that use it", () => {
    const options = {
      ...RESULT.options,
      surrogate: "it's mine.onnx",
      mean: [0.1, 0.2],
      goal: "targeted:no entry",
      queries: 500,
      probe: false,
    };
    const transfer = { ...first, threatModel: { ...first.threatModel, knowledge: "transfer" as const } };
    expect(tellFinding(first, { ...RESULT, options }).command).toMatchInlineSnapshot(
      `"npx blindspot attack pgd --model signs.onnx --data npz:test.npz --mean 0.1,0.2 --goal 'targeted:no entry' --no-probe --threat linf:8/255 --samples index:0 --seed 0 --queries 500 --set pgd.steps=20 --set pgd.loss=margin"`,
    );
    expect(tellFinding(transfer, { ...RESULT, options }).command).toContain("--surrogate 'it'\\''s mine.onnx'");
  });
});

describe("limitText", () => {
  it.each([
    ["linf", 8 / 255, "image", "", "every value by at most 8/255 of its range (L-inf)"],
    [
      "l2",
      0.5,
      "image",
      "",
      "all values together by a Euclidean length of at most 0.5 (L2; each value scaled to 0..1)",
    ],
    ["l1", 12, "vector", "", "all values together by a sum of at most 12 (L1; each value scaled to 0..1)"],
    ["l0", 1, "image", "l0:1;uint8;untargeted", "at most 1 pixel, as far as it likes (L0)"],
    ["l0", 5, "vector", "l0:5;none;untargeted", "at most 5 fields, as far as it likes (L0)"],
    ["l0", 9, "image", "l0:9?count=channels;uint8;untargeted", "at most 9 values, as far as it likes (L0)"],
  ] as const)("%s %f of an %s", (norm, epsilon, modality, id, text) =>
    expect(limitText({ norm, epsilon, modality, id })).toBe(text),
  );
});

describe("runCommand", () => {
  it("says how an endpoint is asked, and what may be spent", () => {
    const options = {
      model: "https://models.example/v1",
      adapter: "json:adapter.json",
      authorized: "contract 17",
      bearer: "TOKEN",
      header: ["x-team=TEAM", "x-key=KEY"],
      rate: 50,
      costPerQuery: 0.001,
      maxCost: 2,
      threat: ["linf:8/255"],
    };
    expect(runCommand({ model: { name: "" }, data: { spec: "npz:test.npz" }, options }, "run")).toBe(
      "npx blindspot assess --model https://models.example/v1 --data npz:test.npz --adapter json:adapter.json --authorized 'contract 17' --bearer TOKEN --header x-team=TEAM --header x-key=KEY --rate 50 --cost-per-query 0.001 --max-cost 2 --threat linf:8/255 --out run",
    );
  });

  it("repeats model, data, attacker and plan", () => {
    const options = {
      ...RESULT.options,
      threat: ["linf:8/255", "l2:0.5"],
      attacks: ["quick", "pgd"],
      inputRange: [
        [0, 1],
        [0, 80],
      ],
      samples: 50,
      audit: true,
      time: 60,
      json: true,
    };
    expect(runCommand({ ...RESULT, options })).toBe(
      "npx blindspot assess --model signs.onnx --data npz:test.npz --input-range 0..1,0..80 --threat linf:8/255 --threat l2:0.5 --samples 50 --attacks quick,pgd --audit",
    );
  });
});
