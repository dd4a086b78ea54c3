import { describe, expect, it } from "vitest";
import { forward, randomNet, type SmallNet, smallClassifier } from "../attacks/small-net.test.fixture.ts";
import { Rng } from "../base/rng.ts";
import type { Classifier } from "../models/classifier.ts";
import { LAMBDA, roundsFor, TAU, trainSubstitute } from "./augmentation.ts";
import { startFor } from "./train-surrogate.ts";

const INPUTS = 5;
const start = (count: number) => {
  const rng = Rng.of(4);
  return Array.from({ length: count }, () => Float32Array.from({ length: INPUTS }, () => rng.uniform()));
};
const labelOf = (x: Float32Array) => (x[0]! + x[1]! > x[2]! + 0.5 ? 1 : 0);

/** What each round was trained on, what the target was asked, and which substitutes are still open. */
async function run(queries: number, rows: readonly Float32Array[], round = (x: Float32Array) => x) {
  const nets: SmallNet[] = [];
  const asked: Float32Array[][] = [];
  const trained: number[] = [];
  const open = new Set<Classifier>();
  const substitute = await trainSubstitute({
    start: rows,
    queries,
    rng: Rng.of(1),
    ask: async (points) => {
      asked.push([...points]);
      return points.map(labelOf);
    },
    learn: async ({ points, labels }, rho) => {
      expect(labels).toEqual(points.map(labelOf));
      trained.push(points.length);
      const net = randomNet(rho, INPUTS, 2);
      nets.push(net);
      const made: Classifier = { ...smallClassifier(net), close: async () => void open.delete(made) };
      open.add(made);
      return made;
    },
    deployable: round,
  });
  return { nets, asked, trained, open, substitute };
}

/** sgn of the derivative of the softmax probability of a class, from differences. */
function jacobianSign(net: SmallNet, x: Float32Array, label: number, j: number): number {
  const probability = (shift: number) => {
    const { scores } = forward(
      net,
      Array.from(x, (value, i) => value + (i === j ? shift : 0)),
    );
    return 1 / (1 + Math.exp(scores[1 - label]! - scores[label]!));
  };
  return Math.sign(probability(1e-4) - probability(-1e-4));
}

describe("Jacobian-based augmentation", () => {
  it("asks for exactly as many rows as it may, and doubles them until then", async () => {
    const { asked, trained, open, substitute } = await run(100, start(10));
    expect(asked.map(({ length }) => length)).toEqual([10, 10, 20, 40, 20]);
    expect(trained).toEqual([10, 20, 40, 80, 100]);
    expect(trained.length - 1).toBe(roundsFor(10, 100));
    expect([...open]).toEqual([substitute]);
  });

  it("moves each row by lambda along the sign of the Jacobian, and turns after tau rounds", async () => {
    const { nets, asked } = await run(64, start(4));
    const known = [...asked[0]!];
    for (const [rho, proposed] of asked.slice(1).entries()) {
      const step = rho < TAU ? LAMBDA : -LAMBDA;
      proposed.forEach((moved, i) => {
        const x = known[i]!;
        for (let j = 0; j < INPUTS; j++) {
          const wanted = x[j]! + step * jacobianSign(nets[rho]!, x, labelOf(x), j);
          expect(moved[j]).toBeCloseTo(Math.min(1, Math.max(0, wanted)), 5);
        }
      });
      known.push(...proposed);
    }
    expect(asked.length).toBe(5);
  });

  it("asks what the target can receive, and the same again for the same seed", async () => {
    const toBytes = (x: Float32Array) => x.map((value) => Math.round(255 * value) / 255);
    const rows = start(8).map(toBytes);
    const [one, other] = [await run(50, rows, toBytes), await run(50, rows, toBytes)];
    for (const point of one.asked.flat()) expect(point).toEqual(toBytes(point));
    expect(one.asked).toEqual(other.asked);
  });
});

it.each([
  ["the paper's own", 6400, 10, 10_000, 100],
  ["few queries: half of them", 50, 10, 10_000, 25],
  ["many queries: six rounds", 64_000, 43, 10_000, 1000],
  ["few inputs: all of them", 6400, 10, 30, 30],
  ["no inputs", 6400, 10, 0, 0],
])("begins with %s", (_, queries, classes, available, expected) => {
  expect(startFor(queries, classes, available)).toBe(expected);
});
