import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { l0 } from "../threats/l0.ts";
import { linf } from "../threats/lp.ts";
import type { Threat } from "../threats/threat.ts";
import { findAttack } from "./registry.ts";
import { runSamples } from "./runner.ts";
import { type SmallNet, smallClassifier, streamOf } from "./small-net.test.fixture.ts";

/** What the authors' RayS and adversarial-library's sigma-zero ask: [norm of the change, product with `probe`] of each query. */
interface Reference {
  readonly dims: readonly number[];
  readonly net: SmallNet;
  readonly probe: readonly number[];
  readonly points: readonly (readonly number[])[];
  readonly labels: readonly number[];
  readonly rays: readonly (readonly (readonly [number, number])[])[];
  readonly sigmaZero: readonly (readonly (readonly [number, number])[])[];
}
const file = new URL("../../bench/peers/fixtures/reference-attacks.json", import.meta.url);
const reference = JSON.parse(readFileSync(fileURLToPath(file), "utf8")) as Reference;

/** Every row that an attack asks about, in order. Epsilon 0: nothing ends it early. */
async function rowsAsked(name: string, settings: object, threat: Threat, sample: number): Promise<Float32Array[]> {
  const definition = findAttack(name);
  const rows: Float32Array[] = [];
  const inner = smallClassifier(reference.net, { dims: reference.dims, maxBatch: 1 });
  const classifier = {
    ...inner,
    scores: (batch: Parameters<typeof inner.scores>[0]) => {
      rows.push(Float32Array.from(batch.data));
      return inner.scores(batch);
    },
    gradient: (...args: Parameters<typeof inner.gradient>) => {
      rows.push(Float32Array.from(args[0].data));
      return inner.gradient(...args);
    },
  };
  const point = Float32Array.from(reference.points[sample]!);
  const samples = streamOf([{ id: "", index: 0, point, label: reference.labels[sample]! }]);
  const attacks = [{ definition, settings: { ...definition.defaults, ...settings } }];
  const profiles = [{ knowledge: definition.knowledge, attacks }];
  for await (const _ of runSamples(samples, { classifier, threat, profiles }));
  return rows.slice(1); // the first is the clean input
}

const samples = reference.points.map((_, sample) => sample);
const measured = (rows: readonly Float32Array[], sample: number, norm: Threat) =>
  rows.map((row) => [
    norm.distance(row, Float32Array.from(reference.points[sample]!)),
    row.reduce((sum, value, i) => sum + value * reference.probe[i]!, 0),
  ]);

describe.each([
  ["rays", { queries: 150 }, linf(0), reference.rays],
  ["sigma-zero", { steps: 120 }, l0(0), reference.sigmaZero],
] as const)("%s asks what the reference asks", (name, settings, threat, expected) => {
  it.each(samples)("of sample %i", async (sample) => {
    const trace = measured(await rowsAsked(name, settings, threat, sample), sample, threat);
    expect(trace).toHaveLength(expected[sample]!.length);
    for (const [i, [norm, product]] of expected[sample]!.entries()) {
      expect(trace[i]![0]).toBeCloseTo(norm, 4);
      // The reference computes in float64, ours keeps points in float32: over 120 steps of Adam 0.001 can build up.
      expect(trace[i]![1]).toBeCloseTo(product, 2);
    }
  });
});
