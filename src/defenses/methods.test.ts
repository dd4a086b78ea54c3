import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { loadClassifier } from "../models/index.ts";
import { operators } from "../ops/index.ts";
import { referenceRuntime } from "../runtime/reference.ts";
import { l2, linf } from "../threats/index.ts";
import { type Ascent, type Batch, randomStarts, rowOf } from "./inner-attacks.ts";
import { type MethodName, methodNamed } from "./methods.ts";
import { OpenModel, type Weights } from "./open-model.ts";
import { FEATURES, toyNetwork, toyRows } from "./toy.test.fixture.ts";
import { watch } from "./watch.ts";

const runtime = referenceRuntime({ output: "float32" });
const NAMES = ["w1", "b1", "w2", "b2"];
let model: OpenModel;
let weights: Weights;
let batch: Batch;

beforeAll(async () => {
  const source = toyNetwork();
  const classifier = await loadClassifier(source, { runtime, dims: [FEATURES] });
  model = new OpenModel(classifier.attackGraph, operators, runtime, NAMES, { dims: [FEATURES], classes: 2 });
  weights = Object.fromEntries(source.graph.initializers.map((value) => [value.name, value.constant!]));
  const rows = await toyRows(3, 12);
  const x0 = new Float32Array(12 * FEATURES);
  for (let i = 0; i < 12; i++) rows.copy(i, x0, i * FEATURES);
  batch = { x0, labels: rows.labels, size: FEATURES };
});
afterAll(() => model.close());

async function lossAt(x: Float32Array): Promise<number> {
  const { logits } = await model.gradient("cross-entropy", x.slice(), batch.labels, weights);
  return batch.labels.reduce(
    (sum, label, i) => sum + Math.log1p(Math.exp(logits[2 * i + 1 - label]! - logits[2 * i + label]!)),
    0,
  );
}

async function crafted(start: Float32Array, attack: Ascent): Promise<Float32Array> {
  const state = await runtime.keep(weights);
  await model.place(state, start, batch.labels);
  await model.ascend(state, batch.x0.slice(), attack);
  return model.placed(state);
}

describe("inner attacks", () => {
  const mask = Uint8Array.from({ length: FEATURES }, (_, i) => i % 3);
  it.each([linf(0.1), linf(0.1, { mask }), l2(0.3), l2(0.3, { mask }), l2(0), linf(0)])(
    "a step in the graph is the threat's own: $id",
    async (threat) => {
      const start = randomStarts(batch, threat, Rng.of(4));
      const { gradients } = await model.gradient("margin", start.slice(), batch.labels, weights);
      const x = await crafted(start, { loss: "margin", threat, steps: 1, stepSize: 0.07 });
      for (let i = 0; i < batch.labels.length; i++) {
        const [point, center, gradient] = [start, batch.x0, gradients].map((all) => rowOf(all, i, FEATURES));
        const expected = threat.ascend(point!, gradient!, 0.07, center!);
        expect(threat.distance(rowOf(x, i, FEATURES), expected)).toBeLessThan(1e-6);
      }
    },
  );

  // N-FGSM leaves the ball on purpose: noise of twice epsilon and a step of epsilon.
  it.each([
    ["fgsm-rs", 1],
    ["n-fgsm", 3],
    ["pgd", 1],
    ["trades", 1],
  ] as const)(
    "%s stays within %d epsilon and the box, and raises the loss",
    async (name: MethodName, reach: number) => {
      const method = methodNamed(name);
      for (const threat of [linf(0.1), l2(0.4)]) {
        const start = method.start(batch, threat, Rng.of(1));
        const noise = await lossAt(start);
        const x = await crafted(start, method.attack(threat, method.defaults)!);
        for (let i = 0; i < batch.labels.length; i++) {
          const [point, center] = [x, batch.x0].map((all) => all.slice(i * FEATURES, (i + 1) * FEATURES));
          expect(threat.distance(point!, center!)).toBeLessThan(reach * threat.epsilon * (1 + 1e-5) + 1e-6);
          expect(Math.min(...point!)).toBeGreaterThanOrEqual(0);
          expect(Math.max(...point!)).toBeLessThanOrEqual(1);
        }
        if (name !== "trades") expect(await lossAt(x)).toBeGreaterThan(noise);
      }
    },
  );

  it("a mask holds coordinates still", async () => {
    const mask = Uint8Array.from({ length: FEATURES }, (_, i) => i % 2);
    const threat = linf(0.2, { mask });
    for (const name of ["fgsm-rs", "n-fgsm", "pgd"] as const) {
      const method = methodNamed(name);
      const start = method.start(batch, threat, Rng.of(1));
      const x = await crafted(start, method.attack(threat, method.defaults)!);
      expect(x.every((value, i) => mask[i % FEATURES] === 1 || value === batch.x0[i])).toBe(true);
    }
  });

  it("one session serves weights that change", async () => {
    const zero = { ...weights, w2: { ...weights["w2"]!, data: new Float32Array(16) } };
    const { gradients } = await model.gradient("cross-entropy", batch.x0.slice(), batch.labels, zero);
    expect(gradients.every((value) => value === 0)).toBe(true);
  });
});

describe("watch", () => {
  it("never finds more robust than right, nor more at a larger epsilon, and repeats itself", async () => {
    const rows = await toyRows(3, 41);
    const at = (epsilon: number) => watch(model, weights, rows, { threat: linf(epsilon), seed: 1, batch: 8 });
    const results = [await at(1e-4), await at(0.03), await at(0.1), await at(0.5)];
    for (const [i, { clean, robust, of }] of results.entries()) {
      expect([of, clean]).toEqual([41, results[0]!.clean]);
      expect(robust).toBeLessThanOrEqual(i === 0 ? clean : results[i - 1]!.robust);
    }
    expect(results[3]!.robust).toBe(0);
    expect(await at(0.03)).toEqual(results[1]);
  });
});
