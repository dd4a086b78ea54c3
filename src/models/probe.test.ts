import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { Graph, Model, opBuilder } from "../graph/index.ts";
import { operators } from "../ops/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { float32 } from "../tensor/tensor.ts";
import type { LoadClassifierOptions } from "./load-classifier.ts";
import { type ProbeSamples, probePreprocessing } from "./probe.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await nodeRuntime({ workers: 1 });
});
afterAll(() => runtime.close());

const SIDE = 5;

/** Which channel is strongest: right as RGB, wrong as BGR for the first and the last class. */
function strongestChannel(): Model {
  const graph = new Graph("strongest");
  const op = opBuilder(graph, operators);
  const x = op.input("x", { dtype: "float32", shape: ["N", 3, SIDE, SIDE] });
  op.output(op.Flatten(op.GlobalAveragePool(x), { axis: 1 }));
  return new Model(graph, 18);
}

/** Ten shades of gray, by distance to the shade; only 0..255 values are near any of them. */
function shades(): Model {
  const graph = new Graph("shades");
  const op = opBuilder(graph, operators);
  const x = op.input("x", { dtype: "float32", shape: ["N", 1, SIDE, SIDE] });
  const mean = op.Flatten(op.GlobalAveragePool(x), { axis: 1 });
  const centers = float32(
    [1, 10],
    Array.from({ length: 10 }, (_, i) => 5 + 25 * i),
  );
  op.output(op.Neg(op.Abs(op.Sub(mean, centers))));
  return new Model(graph, 18);
}

function noisy(channels: number, value: (label: number, channel: number) => number, classes: number): ProbeSamples {
  const rng = Rng.of(3).fold("probe");
  const labels = Array.from({ length: 60 }, (_, i) => i % classes);
  const points = labels.map((label) =>
    Float32Array.from({ length: SIDE * SIDE * channels }, (_, i) =>
      Math.min(1, Math.max(0, value(label, i % channels) + 0.02 * rng.normal())),
    ),
  );
  return { points, labels };
}

const colors = noisy(3, (label, channel) => (label === channel ? 0.8 : 0.2), 3);
const grays = noisy(1, (label) => (5 + 25 * label) / 255, 10);

describe("probePreprocessing", () => {
  it.each<[string, Model, ProbeSamples, LoadClassifierOptions, string | null]>([
    ["right as it is", strongestChannel(), colors, {}, null],
    ["right, though another range would do as well", strongestChannel(), colors, { inputRange: [0, 255] }, null],
    ["channels reversed", strongestChannel(), colors, { channels: "bgr" }, "--input-range 0..1"],
    ["wrong range", shades(), grays, {}, "--input-range 0..255"],
    ["wrong mean and std", shades(), grays, { mean: 0.1307, std: 0.3081 }, "--input-range 0..255"],
    ["right range", shades(), grays, { inputRange: [0, 255] }, null],
  ])("%s", async (_, model, samples, options, better) => {
    const result = await probePreprocessing(model, samples, { runtime, label: "m.onnx", ...options });
    expect(result.clearlyBetter?.flags ?? null).toBe(better);
    if (better === null) expect(result.problem).toBeNull();
    else expect(result.problem).toMatchObject({ code: "E_PREPROCESSING_WRONG", subject: "m.onnx" });
    expect(result.current.of).toBe(60);
    expect(result.ranked.length).toBeGreaterThan(4);
  });

  it("stops near chance, where nothing helps", async () => {
    const rng = Rng.of(1).fold("labels");
    const shuffled = { points: grays.points, labels: rng.shuffle([...grays.labels]) };
    const result = await probePreprocessing(shades(), shuffled, { runtime, inputRange: [0, 255] });
    expect(result).toMatchObject({ clearlyBetter: null, nearChance: true, problem: { code: "E_NEAR_CHANCE" } });
  });

  it("says nothing without samples", async () => {
    const result = await probePreprocessing(shades(), { points: [], labels: [] }, { runtime });
    expect(result).toMatchObject({ problem: null, current: { of: 0 } });
  });
});
