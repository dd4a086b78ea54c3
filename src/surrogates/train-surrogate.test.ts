import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { smallClassifier } from "../attacks/small-net.test.fixture.ts";
import { Rng } from "../base/rng.ts";
import { writeModel } from "../graph/index.ts";
import type { Classifier } from "../models/classifier.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { freshNetwork } from "./network.ts";
import { trainSurrogate } from "./train-surrogate.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await nodeRuntime({ workers: 1 });
});
afterAll(() => runtime.close());

/** Left half against right half, of 16 values, answered by label alone. */
function halves(dims: readonly number[]) {
  const side = Array.from({ length: 16 }, (_, i) => (i % 4 < 2 ? 4 : -4));
  const net = { inputs: 16, classes: 2, hidden: null, weights: [...side, ...side.map((w) => -w)], bias: [0, 0] };
  const model = smallClassifier(net, { dims });
  const scores: Classifier["scores"] = async (rows) => {
    const given = await model.scores(rows);
    return given.map((z, i) => (z >= given[i ^ 1]! ? 1 : 0));
  };
  return { ...model, scores, capabilities: { output: "label", gradient: false } } as typeof model;
}

const points = (seed: number, count: number) => {
  const rng = Rng.of(seed);
  return Array.from({ length: count }, (_, row) =>
    Float32Array.from({ length: 16 }, (_, i) => {
      const brighter = i % 4 < 2 === (row % 2 === 0);
      return (brighter ? 0.55 : 0.3) + 0.15 * rng.uniform();
    }),
  );
};
const train = (target: Classifier, queries: number) =>
  trainSurrogate({ target, start: points(1, 40), heldOut: points(2, 200), queries, seed: 5, runtime });

describe("a surrogate", () => {
  it.each([
    ["cnn", [4, 4, 1]],
    ["mlp", [16]],
  ] as const)("of a target that gives labels alone comes near it: %s", async (architecture, dims) => {
    const target = halves(dims);
    const { classifier, facts } = await train(target, 320);
    expect(facts).toMatchObject({ queries: 320, start: 40, rounds: 3, lambda: 0.1, architecture });
    // Held-out inputs are asked once more.
    expect(target.rows.forward).toBe(320 + 200);
    expect(facts.agreement.of).toBe(200);
    expect(facts.agreement.value).toBeGreaterThan(0.9);
    expect(classifier.capabilities.gradient).toBe(true);
    expect(classifier.dims).toEqual(dims);
    await classifier.close();
  });

  it("is the same for the same seed, to the bit", async () => {
    const [one, other] = [await train(halves([16]), 160), await train(halves([16]), 160)];
    expect(writeModel(one.model)).toEqual(writeModel(other.model));
    await Promise.all([one.classifier.close(), other.classifier.close()]);
  });

  it.each([
    [[1, 30, 2], "conv1, conv2"],
    [[28, 28, 1], "conv1, conv2"],
    [[64, 48, 3], "conv1, conv2, conv3"],
  ])("takes images of %j", (dims, layers) => {
    const { graph } = freshNetwork(dims, 3, Rng.of(0));
    const names = graph.initializers.flatMap(({ name }) => /^(conv\d)\.weight$/.exec(name)?.[1] ?? []);
    expect(names.join(", ")).toBe(layers);
    expect(graph.outputs[0]!.shape).toEqual(["N", 3]);
  });
});
