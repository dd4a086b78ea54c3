import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { opBuilder } from "../graph/builder.ts";
import { Graph } from "../graph/ir.ts";
import type { Reference } from "../ops/define.ts";
import { operators } from "../ops/index.ts";
import { interpret } from "../ops/interpret.ts";
import { backward } from "./backward.ts";
import { appendLoss, LOSS_NAMES, type LossName } from "./losses.ts";

interface Evaluated {
  readonly losses: readonly number[];
  /** Row by row. */
  readonly gradients: readonly (readonly number[])[];
}

const reference = (
  dims: readonly number[],
  data: readonly number[],
  dtype: "float64" | "int64" = "float64",
): Reference => ({
  dtype,
  dims,
  data: Float64Array.from(data),
});

/** A loss and its gradient with respect to the logits, for rows of logits. */
function evaluate(
  loss: LossName,
  rows: readonly (readonly number[])[],
  labels: number[],
  targets: number[],
): Evaluated {
  const op = opBuilder(new Graph(), operators);
  const classes = rows[0]!.length;
  const z = op.input("z", { dtype: "float32", shape: ["N", classes] });
  const y = op.input("labels", { dtype: "int64", shape: ["N"] });
  const t = op.input("targets", { dtype: "int64", shape: ["N"] });
  const losses = appendLoss(op, loss, z, y, t);
  const ones = op.input("ones", { dtype: "float32", shape: ["N"] });
  const dz = backward(op, { table: operators, outputs: [{ value: losses, cotangent: ones }], targets: [z] }).get(z)!;
  const n = rows.length;
  const feeds = new Map([
    [z, reference([n, classes], rows.flat())],
    [y, reference([n], labels, "int64")],
    [t, reference([n], targets, "int64")],
    [ones, reference([n], new Array<number>(n).fill(1))],
  ]);
  const values = interpret(op.graph, feeds, operators, [losses, dz]);
  const flat = [...values.get(dz)!.data];
  return {
    losses: [...values.get(losses)!.data],
    gradients: rows.map((_, i) => flat.slice(i * classes, (i + 1) * classes)),
  };
}

/** The definitions once more, for one row, in plain arithmetic. */
function defined(loss: LossName, z: readonly number[], y: number, t: number): number {
  const logSumExp = Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0));
  const bestExcept = (k: number): number => Math.max(...z.filter((_, i) => i !== k));
  const sorted = [...z].sort((a, b) => b - a) as [number, number, number, number];
  switch (loss) {
    case "cross-entropy":
      return logSumExp - z[y]!;
    case "margin":
      return bestExcept(y) - z[y]!;
    case "dlr":
      return z.length < 3 ? defined("margin", z, y, t) : -(z[y]! - bestExcept(y)) / (sorted[0] - sorted[2] + 1e-12);
    case "targeted-cross-entropy":
      return z[t]! - logSumExp;
    case "targeted-margin":
      return z[t]! - bestExcept(t);
    case "targeted-dlr": {
      if (z.length < 3) return z[t]! - z[y]!;
      const low = z.length === 3 ? sorted[2] : (sorted[2] + sorted[3]) / 2;
      return -(z[y]! - z[t]!) / (sorted[0] - low + 1e-12);
    }
    case "other":
      return z[t]! - z[y]!;
  }
}

/** Logits far enough apart that no central difference steps over a tie. */
const logits = (classes: number, seed: number): number[] =>
  Rng.of(seed)
    .shuffle(Array.from({ length: classes }, (_, i) => i))
    .map((rank) => rank * 0.7 + 0.1 * Rng.of(seed).fold(rank).uniform() - 1);

const cases = fc.record({
  classes: fc.integer({ min: 2, max: 6 }),
  seed: fc.nat(),
  label: fc.nat(),
  shift: fc.integer({ min: 1, max: 5 }),
});

describe.each(LOSS_NAMES)("%s", (loss) => {
  it("is what its formula says, and its gradient is the derivative, row by row, for 2 to 6 classes", () => {
    fc.assert(
      fc.property(cases, ({ classes, seed, label, shift }) => {
        const rows = [logits(classes, seed), logits(classes, seed + 1)];
        const labels = [label % classes, (label + 1) % classes];
        const targets = labels.map((y) => (y + 1 + (shift % (classes - 1))) % classes);
        const found = evaluate(loss, rows, labels, targets);
        const h = 1e-6;
        for (const [n, z] of rows.entries()) {
          const at = (i: number, by: number) => defined(loss, z.with(i, z[i]! + by), labels[n]!, targets[n]!);
          expect(found.losses[n]).toBeCloseTo(defined(loss, z, labels[n]!, targets[n]!), 9);
          for (const i of z.keys()) expect(found.gradients[n]![i]).toBeCloseTo((at(i, h) - at(i, -h)) / (2 * h), 5);
        }
      }),
      { numRuns: 25 },
    );
  });

  it("stays finite for extreme and for equal logits", () => {
    const { losses, gradients } = evaluate(
      loss,
      [
        [1e4, -1e4, 0, 5],
        [0, 0, 0, 0],
      ],
      [1, 0],
      [2, 1],
    );
    for (const value of [...losses, ...gradients.flat()]) expect(Number.isFinite(value)).toBe(true);
  });
});

it("margin is positive exactly for misclassified rows", () => {
  expect(
    evaluate(
      "margin",
      [
        [1, 2, 0],
        [1, 2, 0],
      ],
      [1, 0],
      [0, 0],
    ).losses,
  ).toEqual([-1, 1]);
});

it("DLR does not change with shift and scale of the logits", () => {
  const z = [3, -1, 0.5, 2];
  const { losses } = evaluate("dlr", [z, z.map((value) => 10 * value + 7)], [0, 0], [1, 1]);
  expect(losses[1]).toBeCloseTo(losses[0]!, 9);
});

it("refuses what is not a row of class scores", () => {
  const op = opBuilder(new Graph(), operators);
  const labels = op.input("labels", { dtype: "int64", shape: ["N"] });
  const z = op.input("z", { dtype: "float32", shape: ["N", 1] });
  expect(() => appendLoss(op, "margin", z, labels)).toThrow(
    /^E_LOGITS_SHAPE output 'z': .* got shape \[N, 1\].*--output/,
  );
});
