import { describe, expect, it } from "vitest";
import { attackScores, breachOf, formOf, givenScores, readAnswers } from "./answers.ts";

const CLASSES = ["cat", "dog"];

describe("what comes back is read, or refused with its reason", () => {
  it.each<[string, object, readonly (readonly number[])[]]>([
    [
      "scores",
      {
        scores: [
          [1, 2],
          [3, 4],
        ],
      },
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "scores in typed arrays",
      { scores: [Float32Array.of(1, 2), Float32Array.of(3, 4)] },
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "scores by name, in any order",
      {
        scores: [
          { dog: 2, cat: 1 },
          { cat: 3, dog: 4 },
        ],
      },
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ["one score for each row", { scores: [0.25, 0.75] }, [[0.25], [0.75]]],
    ["labels by index", { labels: [1, 0] }, [[1], [0]]],
    ["labels by name", { labels: ["dog", "cat"] }, [[1], [0]]],
    ["a column of labels", { labels: [[1], [0]] }, [[1], [0]]],
  ])("%s", (_, answer, rows) => {
    expect(readAnswers("target", answer, 2, CLASSES).rows).toEqual(rows);
  });

  it.each<[string, object, RegExp]>([
    ["nothing", {}, /expected scores or labels of 2 rows, got nothing/],
    ["text", { scores: "0.5" }, /got a string/],
    ["too few rows", { scores: [[1, 2]] }, /answers for 2 rows, got 1/],
    ["too many rows", { labels: [0, 1, 0] }, /answers for 2 rows, got 3/],
    [
      "NaN",
      {
        scores: [
          [1, 2],
          [Number.NaN, 0],
        ],
      },
      /row 1: got NaN/,
    ],
    [
      "null, which is how JSON writes NaN",
      {
        scores: [
          [1, 2],
          [null, 0],
        ],
      },
      /row 1: got nothing among the scores/,
    ],
    [
      "infinity",
      {
        scores: [
          [1, Infinity],
          [1, 2],
        ],
      },
      /row 0: got Infinity/,
    ],
    [
      "rows of unequal width",
      {
        scores: [
          [1, 2],
          [1, 2, 3],
        ],
      },
      /row 1: expected 2 scores, as in row 0, got 3/,
    ],
    ["an empty row", { scores: [[], [1, 2]] }, /row 0: got no scores/],
    [
      "text among the scores",
      {
        scores: [
          ["1", 2],
          [1, 2],
        ],
      },
      /a string among the scores/,
    ],
    ["a label out of range", { labels: [2, 0] }, /row 0: got label 2/],
    ["a label between classes", { labels: [0.5, 0] }, /row 0: got label 0.5/],
    ["an unknown label", { labels: ["bird", "cat"] }, /a label that is not among the class names/],
    ["a class without a score", { scores: [{ cat: 1 }, { cat: 1, dog: 2 }] }, /row 0: got no score for class 'dog'/],
    ["a score for another class", { scores: [{ cat: 1, dog: 2, bird: 3 }, [1, 2]] }, /not among the class names/],
  ])("refuses %s", (_, answer, message) => {
    expect(() => readAnswers("target", answer, 2, CLASSES)).toThrow(message);
  });

  it("names all bad rows at once, and repeats nothing of what a target says", () => {
    const answer = { labels: ["secret content", 7] };
    expect(() => readAnswers("target", answer, 2, CLASSES)).toThrow(
      /row 0: got a label that is not among the class names[\s\S]*row 1: got label 7/,
    );
    expect(() => readAnswers("target", answer, 2, CLASSES)).not.toThrow(/secret content/);
  });
});

describe("what scores are is read off the first answers", () => {
  it.each([
    [
      "logits",
      [
        [3, -3],
        [0.2, 0.9],
      ],
      "logits",
    ],
    [
      "probabilities",
      [
        [0.9, 0.1],
        [0.5, 0.5],
      ],
      "probabilities",
    ],
    ["probabilities of two digits", [[0.33, 0.33, 0.33]], "probabilities"],
    [
      "independent probabilities",
      [
        [0.9, 0.8],
        [0.1, 0.2],
      ],
      "independent-probabilities",
    ],
    ["one probability", [[0.9], [0.2]], "probabilities"],
    ["one logit", [[0.9], [-4]], "logits"],
  ])("%s", (_, rows, meaning) => {
    expect(formOf("scores", rows).meaning).toBe(meaning);
  });

  it("takes the logarithm of probabilities: margins are those of the logits behind", () => {
    const logits = [12, -3, 1];
    const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
    const row = logits.map((z) => Math.exp(z) / total);
    const scores = attackScores(formOf("scores", [row]), row, 3);
    expect(scores[0]! - scores[1]!).toBeCloseTo(15, 4);
    expect(Array.from(givenScores(formOf("scores", [row]), row, 3))).toEqual(row.map(Math.fround));
    expect(Number.isFinite(attackScores(formOf("scores", [[1, 0]]), [1, 0], 2)[1])).toBe(true);
  });

  it("makes two classes of one score", () => {
    expect(Array.from(givenScores(formOf("scores", [[0.25]]), [0.25], 2))).toEqual([0.75, 0.25]);
    expect(Array.from(givenScores(formOf("scores", [[-2]]), [-2], 2))).toEqual([0, -2]);
  });

  it.each([
    ["labels in place of scores", formOf("scores", [[1, 2]]), "label", [0]],
    ["another number of scores", formOf("scores", [[1, 2]]), "scores", [1, 2, 3]],
    ["logits in place of probabilities", formOf("scores", [[0.5, 0.5]]), "scores", [3, -2]],
    ["shares that lack a part of the whole", formOf("scores", [[0.5, 0.5]]), "scores", [0.5, 0.1]],
  ] as const)("a target that later gives %s is caught", (_, form, output, row) => {
    expect(breachOf(form, output, row)).not.toBeNull();
  });
});
