import { describe, expect, it } from "vitest";
import type { DataSample } from "../data/dataset.ts";
import { RowSpace } from "../inputs/row/row-space.ts";
import { readRowSchema } from "../inputs/row/schema.ts";
import { fields } from "../threats/fields.ts";
import { parseGoal } from "../threats/goal.ts";
import { l0 } from "../threats/l0.ts";
import { l2, linf } from "../threats/lp.ts";
import type { Threat } from "../threats/threat.ts";
import type { AttackDefinition, Settings } from "./attack.ts";
import type { AttemptRecord } from "./record.ts";
import { attacks, findAttack } from "./registry.ts";
import { runSamples } from "./runner.ts";
import {
  forward,
  randomNet,
  randomSamples,
  type SmallNet,
  smallClassifier,
  streamOf,
} from "./small-net.test.fixture.ts";

/** Runs one attack on each sample; the attempts in the order of the samples. */
async function attempts(
  net: SmallNet,
  samples: readonly DataSample[],
  threat: Threat,
  definition: AttackDefinition,
  settings: Settings = {},
  surrogate: SmallNet = net,
): Promise<AttemptRecord[]> {
  const records = [];
  const plan = {
    knowledge: definition.knowledge,
    attacks: [{ definition, settings: { ...definition.defaults, ...settings } }],
  };
  const classifier = smallClassifier(net);
  const options = {
    classifier,
    threat,
    profiles: [plan],
    surrogate: smallClassifier(surrogate),
    // Where an earlier version was fooled: at the clean point, so that a warm attack is as good as a cold one.
    ...(definition.warm ? { starts: (sample: DataSample) => [sample.point] } : {}),
  };
  for await (const record of runSamples(streamOf(samples), options)) records.push(record);
  records.sort((a, b) => a.index - b.index);
  return records.map((record) => record.profiles[0]!.attempts[0]!);
}

/** Texts and trees are attacked by attacks of their own, tested beside them. */
const onNets = attacks.filter(({ norms, reads }) => reads !== "trees" && !norms.includes("text"));

/** Two classes and a plane between them, w . x = b, far from the box: the distance to the plane decides, exactly. */
const plane: SmallNet = { inputs: 4, classes: 2, hidden: null, weights: [0, 0, 0, 0, 2, -1, 0.5, 3], bias: [0, -2.25] };
const W = [2, -1, 0.5, 3];
const DUAL = { linf: W.reduce((sum, w) => sum + Math.abs(w), 0), l2: Math.hypot(...W) };

/** Points at these multiples of epsilon from the plane, on both sides. */
function pointsAt(norm: "linf" | "l2", epsilon: number, multiples: readonly number[]): DataSample[] {
  return multiples.flatMap((multiple, i) =>
    [-1, 1].map((side, j) => {
      const wanted = (side * multiple * epsilon * DUAL[norm]) / DUAL.l2 ** 2;
      const point = Float32Array.from(W, (w) => 0.5 + wanted * w);
      return { id: `${side * multiple}`, index: 2 * i + j, point, label: side > 0 ? 1 : 0 };
    }),
  );
}

describe.each(["linf", "l2"] as const)("on a plane, in %s", (norm) => {
  const epsilon = 0.05;
  const threat = norm === "linf" ? linf(epsilon) : l2(epsilon);
  const multiples = [0.5, 0.97, 1.03, 2];
  const samples = pointsAt(norm, epsilon, multiples);
  const fitting = onNets.filter(({ norms }) => norms.includes(norm));
  const exact = fitting.filter(({ knowledge }) => knowledge !== "score");

  it.each(exact.map((attack) => [attack.name, attack] as const))(
    "%s fools exactly what is within epsilon",
    async (_, attack) => {
      const outcomes = (await attempts(plane, samples, threat, attack)).map(({ outcome }) => outcome);
      const expected = multiples.flatMap((multiple) => Array<string>(2).fill(multiple < 1 ? "fooled" : "resisted"));
      expect(outcomes).toEqual(expected);
    },
  );

  it.each(["square", "noise"])("%s fools only what is within epsilon, and what is well within", async (name) => {
    const outcomes = (await attempts(plane, samples, threat, findAttack(name))).map(({ outcome }) => outcome);
    expect(outcomes.slice(0, 2)).toEqual(["fooled", "fooled"]);
    expect(outcomes.slice(4)).toEqual(["resisted", "resisted", "resisted", "resisted"]);
  });

  it.each(fitting.map((attack) => [attack.name, attack] as const))(
    "%s stays within its stated cost",
    async (_, attack) => {
      const far = pointsAt(norm, epsilon, [2]);
      const { queries, gradients } = attack.cost(attack.defaults, { classes: 2 });
      for (const attempt of await attempts(plane, far, threat, attack))
        expect(attempt).toMatchObject({ outcome: "resisted", queries, gradients, verifications: 0, rejected: 0 });
    },
  );
});

describe("FGSM", () => {
  it("is x + eps sign(g), and nothing where g is 0", async () => {
    const samples = pointsAt("linf", 0.05, [0.9]);
    const [below] = await attempts(plane, samples, linf(0.05), findAttack("fgsm"));
    const moved = Float32Array.from(W, (w, i) => Math.fround(samples[0]!.point[i]! + 0.05 * Math.sign(w)));
    expect(below!.found!.point).toEqual(moved);
  });

  it("descends to its target", async () => {
    const net = randomNet(3, 4, 4);
    const samples = randomSamples(5, net, 20);
    const threat = linf(0.3, { goal: parseGoal("targeted:next", ["a", "b", "c", "d"]) });
    for (const [i, attempt] of (await attempts(net, samples, threat, findAttack("fgsm"))).entries())
      if (attempt.found !== null) expect(attempt.found.predicted).toBe((samples[i]!.label + 1) % 4);
  });
});

describe("settings", () => {
  const net = randomNet(1, 6, 5);
  const samples = randomSamples(2, net, 40);
  const threat = linf(0.12);
  const fooled = (records: readonly AttemptRecord[]): number => records.filter(({ found }) => found !== null).length;

  it("one PGD step of epsilon from the clean point is FGSM", async () => {
    const settings = { steps: 1, stepSize: 0.12, randomStart: false, keep: "last" };
    const one = await attempts(net, samples, threat, findAttack("pgd"), settings);
    const fgsm = await attempts(net, samples, threat, findAttack("fgsm"));
    expect(one.map(({ found }) => found?.point)).toEqual(fgsm.map(({ found }) => found?.point));
  });

  it("one step of momentum without decay on the model itself is FGSM", async () => {
    const one = await attempts(net, samples, threat, findAttack("mi-fgsm"), { steps: 1, decay: 0 });
    const fgsm = await attempts(net, samples, threat, findAttack("fgsm"));
    expect(one.map(({ found }) => found?.point)).toEqual(fgsm.map(({ found }) => found?.point));
  });

  it("keeping any iterate of PGD finds no less than keeping the last, in no more queries", async () => {
    const any = await attempts(net, samples, threat, findAttack("pgd"), { keep: "any" });
    const last = await attempts(net, samples, threat, findAttack("pgd"), { keep: "last" });
    expect(fooled(any)).toBeGreaterThanOrEqual(fooled(last));
    expect(fooled(last)).toBeGreaterThan(0);
    for (const [i, attempt] of last.entries()) {
      if (attempt.found !== null) expect(attempt.queries).toBe(41);
      if (attempt.found !== null) expect(any[i]!.queries).toBeLessThanOrEqual(41);
    }
  });

  it("a surrogate of its own fools less than the model itself", async () => {
    const other = await attempts(net, samples, threat, findAttack("mi-fgsm"), {}, randomNet(9, 6, 5));
    const own = await attempts(net, samples, threat, findAttack("mi-fgsm"));
    expect(fooled(own)).toBeGreaterThan(fooled(other));
    expect(other.every(({ gradients }) => gradients === 0)).toBe(true);
  });
});

/** A wide ball of a norm that the attack works for; rows are of so many numbers, in thousandths. */
function wideThreat({ norms }: AttackDefinition, inputs: number): Threat {
  if (norms.includes("fields")) return fields(2, thousandths(inputs));
  return norms.includes("linf") ? linf(0.3) : l0(3);
}

function thousandths(inputs: number): RowSpace {
  const row = Array.from({ length: inputs }, (_, i) => ({
    name: `x${i}`,
    type: "number",
    min: 0,
    max: 1,
    step: 0.001,
  }));
  return new RowSpace(readRowSchema({ schema: "blindspot-rows/1", fields: row }, "thousandths"));
}

describe("two and three classes", () => {
  it.each(onNets.flatMap((attack) => [2, 3].map((classes) => [attack.name, classes] as const)))(
    "%s attacks %i",
    async (name, classes) => {
      const net = randomNet(4, 6, classes);
      const definition = findAttack(name);
      const records = await attempts(net, randomSamples(6, net, 10), wideThreat(definition, 6), definition);
      expect(records.map(({ outcome }) => outcome)).not.toContain("error");
      expect(records.some(({ outcome }) => outcome === "fooled")).toBe(true);
    },
  );
});

describe("a model without slope", () => {
  // The hidden units are saturated: every gradient is exactly 0 and every score is the same.
  const saturated: SmallNet = {
    inputs: 3,
    classes: 2,
    hidden: { weights: [0, 0, 0], bias: [1] },
    weights: [1, -1],
    bias: [0, 0],
  };
  it.each(onNets.map(({ name }) => [name]))("is resisted by without an endless loop: %s", async (name) => {
    const definition = findAttack(name);
    const [record] = await attempts(saturated, randomSamples(1, saturated, 1), wideThreat(definition, 3), definition);
    expect(record!.outcome).toBe("resisted");
    expect(forward(saturated, [0, 0, 0]).scores[0]).toBeGreaterThan(0);
  });
});
