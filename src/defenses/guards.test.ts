import { describe, expect, it } from "vitest";
import { bestEpoch, type EpochRecord, type GuardOptions, guessing, isBlind, judge } from "./guards.ts";

const EPSILON = 0.3;
const options: GuardOptions = {
  by: "robust",
  crafts: true,
  patience: 2,
  guessing: guessing(Int32Array.of(0, 1, 2, 3)),
};

/** Epochs from rows of training accuracy, robust accuracy and, where they matter, training loss and epsilon. */
function historyOf(rows: readonly (readonly [number | null, number, number?, number?])[]): EpochRecord[] {
  return rows.map(([trainAccuracy, robust, trainLoss = 0.5, epsilon = EPSILON], epoch) => ({
    epoch,
    loss: trainLoss,
    trainLoss,
    trainAccuracy,
    epsilon,
    learningRate: 0.1,
    clean: 0.9,
    robust,
    seconds: 1,
  }));
}

describe("guards", () => {
  it.each([
    [
      "a collapse",
      [
        [null, 0],
        [0.6, 0.5],
        [0.7, 0.6],
        [0.9, 0.35],
      ],
      "catastrophic-overfitting",
    ],
    [
      "a fall of both is none",
      [
        [null, 0],
        [0.6, 0.5],
        [0.7, 0.6],
        [0.4, 0.35],
      ],
      null,
    ],
    [
      "a small fall is none",
      [
        [null, 0],
        [0.6, 0.5],
        [0.7, 0.6],
        [0.9, 0.45],
      ],
      null,
    ],
    [
      "a model that never stood",
      [
        [null, 0],
        [0.8, 0.01],
        [0.9, 0.02],
        [0.9, 0.03],
      ],
      "catastrophic-overfitting",
    ],
    [
      "a wide gap at last is none yet",
      [
        [null, 0],
        [0.6, 0.2],
        [0.8, 0.21],
        [0.9, 0.22],
      ],
      null,
    ],
    [
      "guessing for three epochs",
      [
        [null, 0],
        [0.25, 0, 1.386],
        [0.25, 0, 1.386],
        [0.26, 0, 1.385],
      ],
      "stalled",
    ],
    [
      "a loss that falls is no stall",
      [
        [null, 0],
        [0.25, 0.01, 1.45],
        [0.25, 0.02, 1.4],
        [0.26, 0.03, 1.35],
      ],
      null,
    ],
    [
      "two epochs are no stall",
      [
        [null, 0],
        [0.25, 0, 1.386],
        [0.25, 0, 1.386],
      ],
      null,
    ],
    [
      "no improvement",
      [
        [null, 0],
        [0.6, 0.5],
        [0.6, 0.45],
        [0.6, 0.48],
      ],
      "no-improvement",
    ],
    [
      "improvement",
      [
        [null, 0],
        [0.6, 0.5],
        [0.6, 0.45],
        [0.6, 0.51],
      ],
      null,
    ],
    [
      "not while epsilon grows",
      [
        [null, 0.5],
        [0.6, 0.4, 0.5, 0.1],
        [0.6, 0.4, 0.5, 0.2],
        [0.6, 0.4, 0.5, 0.3],
      ],
      null,
    ],
    ["nothing before the first epoch", [[null, 0]], null],
  ] as const)("%s", (_, rows, reason) => {
    expect(judge(historyOf(rows), EPSILON, options)?.reason ?? null).toBe(reason);
  });

  it("natural training does not collapse, for it never stood", () => {
    const history = historyOf([
      [null, 0.5],
      [0.6, 0.5],
      [0.9, 0.1],
    ]);
    expect(judge(history, EPSILON, { ...options, by: "clean", crafts: false })).toBeNull();
  });

  it("the detail says the figures", () => {
    const stop = judge(
      historyOf([
        [null, 0],
        [0.7, 0.6],
        [0.9, 0.35],
      ]),
      EPSILON,
      options,
    );
    expect(stop!.detail).toContain("fell from 60.0 % (epoch 1) to 35.0 % while training accuracy rose to 90.0 %");
  });
});

it("bestEpoch: the first of the most robust, the last of the most accurate", () => {
  const history = historyOf([
    [null, 0.1],
    [0.5, 0.4],
    [0.5, 0.4],
    [0.5, 0.2],
  ]);
  expect([bestEpoch(history, "robust").epoch, bestEpoch(history, "clean").epoch]).toEqual([1, 3]);
});

it("bestEpoch: never one that answers the same to everything, though nothing changes its answer", () => {
  const [start, blind, seeing] = historyOf([
    [null, 0],
    [0.25, 0.25],
    [0.5, 0.1],
  ]);
  const labels = Int32Array.of(0, 1, 2, 3);
  expect(isBlind({ clean: 0.25, robust: 0.25 }, labels)).toBe(true);
  expect(isBlind({ clean: 0.5, robust: 0.5 }, labels)).toBe(false);
  expect(isBlind({ clean: 0.25, robust: 0.2 }, labels)).toBe(false);
  const history = [start!, { ...blind!, clean: 0.25, blind: true }];
  expect(bestEpoch(history, "robust").epoch).toBe(0);
  expect(bestEpoch([...history, seeing!], "robust").epoch).toBe(2);
});

it("guessing: the most frequent label, and the entropy", () => {
  const { accuracy, entropy } = guessing(Int32Array.of(0, 0, 0, 1));
  expect([accuracy, entropy]).toEqual([0.75, expect.closeTo(0.5623, 4)]);
});
