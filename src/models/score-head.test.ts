import { describe, expect, it } from "vitest";
import { Value } from "../graph/ir.ts";
import { decodeRow, type ScoreHead, scoreMeaning } from "./score-head.ts";

const head = (kind: ScoreHead["kind"], stripped: ScoreHead["stripped"], classes = 2): ScoreHead => ({
  output: "out",
  kind,
  classes,
  stripped,
  logits: new Value("z"),
});

describe("what scores are", () => {
  it.each([
    ["logits", head("scores", null, 3), [2, -1, 0]],
    ["logits", head("binary-logit", null), [0.7]],
    ["probabilities", head("scores", "Softmax", 3), [0.5, 0.2, 0.3]],
    ["probabilities", head("binary-probability", "Sigmoid"), [0.9]],
    ["independent-probabilities", head("scores", "Sigmoid", 3), [0.9, 0.8, 0.1]],
    ["label", head("label", "ArgMax", 3), [2]],
  ] as const)("%s", (meaning, of, row) => {
    expect(scoreMeaning(of)).toBe(meaning);
    const sum = decodeRow(of, row).reduce((a, b) => a + b, 0);
    if (meaning === "probabilities" || meaning === "label") expect(sum).toBeCloseTo(1, 6);
  });
});
