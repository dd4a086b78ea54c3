import { readFileSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { forward, type SmallNet, smallClassifier } from "../attacks/small-net.test.fixture.ts";
import { Rng } from "../base/rng.ts";
import { predictedClass } from "../threats/goal.ts";
import { gate, replay } from "./gate.ts";
import { mapMemory } from "./memory.ts";
import { type GateResult, gateSchema, regressionJsonSchemas, replaySchema } from "./schema.ts";
import {
  attacked,
  constantNet,
  corpusWith,
  type Found,
  shaken,
  store,
  THREAT,
  V1,
  versionOf,
} from "./versions.test.fixture.ts";

/** Little effort, so that tests are quick. */
const effort = { attacks: ["apgd-ce", "apgd-margin"], overrides: { steps: 20, queries: 60 } };
const base = versionOf(V1, "v1");
let found: Found[] = [];
/** Of the class that most of them are. */
let common = 0;

beforeAll(async () => {
  found = await attacked(V1, 150);
  const byClass = [0, 1, 2].map((index) => found.filter(({ sample }) => sample.label === index).length);
  common = byClass.indexOf(Math.max(...byClass));
  expect(found.length).toBeGreaterThan(20);
});

const outcomes = ({ cases }: GateResult) => cases.map(({ outcome }) => outcome);
const tally = (result: GateResult) =>
  Object.fromEntries(result.counts.filter(({ cases }) => cases > 0).map(({ outcome, cases }) => [outcome, cases]));
const against = async (net: SmallNet, samples = found, more: Partial<Parameters<typeof gate>[0]> = {}) =>
  gate({ corpus: await corpusWith(base, samples), candidate: versionOf(net, "v2"), base, effort, ...more });

const answer = (net: SmallNet, x: Float32Array) => predictedClass(forward(net, x).scores);

/** Whether any of many points of the ball fools the net: all corners, and points at random. */
function fooledBySampling(net: SmallNet, { point, label }: { point: Float32Array; label: number }): boolean {
  const rng = Rng.of(7);
  const corners = Array.from({ length: 2 ** point.length }, (_, bits) =>
    THREAT.project(
      point.map((value, i) => value + ((bits >> i) & 1 ? 1 : -1) * THREAT.epsilon),
      point,
    ),
  );
  const inside = Array.from({ length: 2000 }, () => THREAT.randomPoint(point, rng));
  return [...corners, ...inside].some((x) => answer(net, x) !== label);
}

function labelsOnly(net: SmallNet) {
  return { ...smallClassifier(net), capabilities: { output: "label" as const, gradient: false } };
}

describe("gate", () => {
  it("finds no change between a version and itself, and asks once", async () => {
    const result = await against(V1);
    expect(tally(result)).toEqual({ "still-broken": found.length });
    expect(result.verdict.exitCode).toBe(0);
    expect(result.cost).toMatchObject({ queries: 0, gradients: 0 });
    expect(gateSchema.parse(result)).toEqual(result);
  });

  it("calls fixed what withstands an attack with gradients, and nothing that only moved", async () => {
    // A constant classifier can't be fooled: samples of its class are fixed, all others are wrong without attack.
    const fixed = await against(constantNet(common));
    const own = found.filter(({ sample }) => sample.label === common).length;
    expect(tally(fixed)).toEqual({ fixed: own, "clean-regression": found.length - own });
    expect(fixed.verdict).toMatchObject({
      exitCode: 1,
      failed: [{ rule: "clean-regression", cases: found.length - own }],
    });
    const attack = fixed.cases.find(({ outcome }) => outcome === "fixed")!.attacked!;
    expect(attack.attempts.map(({ attack: name }) => name)).toEqual([
      "apgd-warm",
      "apgd-ce",
      "apgd-margin",
      "square-warm",
      "rays-warm",
    ]);

    // Weights that are only shaken fix little: what the replay passes is mostly broken again, and what is not can't be.
    const moved = await against(shaken(V1, 0.05));
    expect(tally(moved)["moved"]).toBeGreaterThan(0);
    const robust = found.filter(({ sample }) => !fooledBySampling(shaken(V1, 0.05), sample)).length;
    expect(tally(moved)["fixed"] ?? 0).toBeLessThanOrEqual(robust);
  });

  it("stores what it finds with the sample that led there, and then knows it", async () => {
    const corpus = await corpusWith(base, found);
    const candidate = versionOf(shaken(V1, 0.05), "v2");
    const memory = mapMemory();
    const first = await gate({ corpus, candidate, base, effort, memory });
    const moved = first.cases.filter(({ outcome }) => outcome === "moved");
    for (const { sample, attacked: attack } of moved) {
      const child = await corpus.find(attack!.child!);
      expect(child.found[0]).toMatchObject({ parent: sample, modelName: "v2", threat: THREAT.id });
    }
    const second = await gate({ corpus, candidate, base, effort, memory });
    // No clean input occurs twice here, so each brought one.
    expect(second.corpus.samples).toBe(found.length + moved.length);
    expect(first.grown!.samples).toBe(moved.length);
    // Another attack found them: that is a cell of its own.
    expect(first.grown!.cells).toBeGreaterThan(0);
    const again = second.cases.filter(({ sample }) => first.cases.some((one) => one.sample === sample));
    expect(again.map(({ outcome }) => outcome)).toEqual(outcomes(first));
    // Children yield on v2. On v1 their parents do: a weakness that was there, not a new one.
    expect(new Set(outcomes(second))).not.toContain("newly-broken");
    const third = await gate({ corpus, candidate, base, effort, memory });
    expect(third.cost).toMatchObject({ queries: 0, replayed: 0 });
    // The same two versions again and again: the corpus stops growing.
    expect(third.corpus).toEqual(second.corpus);
    expect(third.grown).toEqual({ samples: 0, cells: 0 });
  });

  it("calls newly broken only what the base withstands", async () => {
    // The base is constant: nothing fools it. What fools V1 at samples of that class is new.
    const steady = versionOf(constantNet(common), "v0");
    const own = found.filter(({ sample }) => sample.label === common);
    const corpus = await corpusWith(base, own);
    const result = await gate({ corpus, candidate: base, base: steady, effort });
    expect(tally(result)).toEqual({ "newly-broken": own.length });
    expect(result.verdict).toMatchObject({ exitCode: 1, failed: [{ rule: "newly-broken", cases: own.length }] });

    // Found on a shaken copy, and right on V1, which falls to the same attack: that weakness is not new.
    const other = shaken(V1, 0.02, 2);
    const passing = (await attacked(other, 400)).filter(({ sample, point }) =>
      [sample.point, point].every((x) => answer(V1, x) === sample.label),
    );
    expect(passing.length).toBeGreaterThan(0);
    const weak = await gate({
      corpus: await corpusWith(versionOf(other, "v2"), passing),
      candidate: versionOf(other, "v2"),
      base,
      effort,
    });
    expect(tally(weak)).toEqual({ "known-weakness": passing.length });
    expect(weak.verdict.exitCode).toBe(0);
  });

  it("asks inputs without a threat for themselves alone", async () => {
    const wrong = found.slice(0, 5);
    const corpus = await corpusWith(base, wrong, null);
    const better = await gate({
      corpus,
      candidate: versionOf(constantNet(wrong[0]!.sample.label), "v2"),
      base,
      effort,
    });
    expect(outcomes(better)).toContain("not-reproduced");
    const worse = await gate({
      corpus,
      candidate: base,
      base: versionOf(constantNet(wrong[0]!.sample.label), "v0"),
      effort,
    });
    expect(outcomes(worse)).toContain("clean-regression");
  });

  it("compares nothing across other classes or another preparation of inputs", async () => {
    const corpus = await corpusWith(base, found.slice(0, 3));
    const { record } = base;
    for (const change of [{ classes: [...record.classes].reverse() }, { preprocessing: { inputRange: [0, 255] } }]) {
      const candidate = { ...base, name: "v2", record: { ...record, ...change } };
      const result = await gate({ corpus, candidate, base, effort });
      expect(tally(result)).toEqual({ incomparable: 3 });
      expect(result.verdict.exitCode).toBe(3);
    }
    const empty = await gate({ corpus: await corpusWith(base, []), candidate: base, base, effort });
    expect(empty.verdict.exitCode).toBe(3);
  });

  it("says less where it could not use gradients", async () => {
    const blind = { ...versionOf(constantNet(common), "v2"), classifier: labelsOnly(constantNet(common)) };
    const own = found.filter(({ sample }) => sample.label === common).slice(0, 3);
    const result = await gate({
      corpus: await corpusWith(base, own),
      candidate: blind,
      base,
      effort: { overrides: { queries: 50 } },
    });
    expect(tally(result)).toEqual({ "not-rebroken": 3 });
    expect(result.effort.threats[0]!.attacks.map(({ knowledge }) => knowledge)).not.toContain("white-box");
  });

  it("keeps what time left over apart, and does not take it for an answer", async () => {
    const stopped = await against(shaken(V1, 0.05), found, { signal: AbortSignal.abort() });
    expect(stopped).toMatchObject({ status: "partial", verdict: { exitCode: 3 } });
    expect(tally(stopped)).toEqual({ "not-evaluated": found.length });
  });
});

describe("laws of the gate", () => {
  const candidate = () => versionOf(shaken(V1, 0.3), "v2");
  const severity = (exitCode: number) => [0, 3, 1].indexOf(exitCode);

  it("does not depend on the order in which samples came, and is never better for one more", async () => {
    const memory = mapMemory();
    const verdictOf = async (samples: readonly Found[]) => {
      const corpus = await corpusWith(base, samples);
      return gate({
        corpus,
        candidate: candidate(),
        base,
        effort,
        memory,
        policy: { failOn: ["moved", "still-broken"] },
      });
    };
    const subset = fc.subarray(found.slice(0, 12), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(subset, fc.nat(), async (samples, turn) => {
        const turned = [...samples.slice(turn % samples.length), ...samples.slice(0, turn % samples.length)];
        const [one, other] = [await verdictOf(samples), await verdictOf(turned)];
        expect(other.cases).toEqual(one.cases);
        const more = await verdictOf([...samples, found[12]!]);
        expect(severity(more.verdict.exitCode)).toBeGreaterThanOrEqual(severity(one.verdict.exitCode));
      }),
      { numRuns: 8 },
    );
  });
});

describe("replay", () => {
  it("tells what each sample does, and costs nothing a second time", async () => {
    const corpus = await corpusWith(base, found);
    await store(corpus, base, found.slice(0, 1), null);
    const memory = mapMemory();
    const first = await replay({ corpus, candidate: base, memory });
    expect(first.counts).toMatchObject({ yields: found.length + 1, resists: 0 });
    expect(replaySchema.parse(first)).toEqual(first);
    const second = await replay({ corpus, candidate: base, memory });
    expect(second.cost).toMatchObject({ replayed: 0, remembered: found.length + 1 });
    expect(second.cases).toEqual(first.cases);
  });

  it("tells an answer that wavers from one that stands", async () => {
    const [one] = found;
    const { label } = one!.sample;
    let turn = 0;
    // A hair above the others, now for the right class, now for the next.
    const verify = () => Float32Array.from([0, 1, 2], (i) => Number(i === (label + (turn++ % 2)) % 3) / 100);
    const corpus = await corpusWith(base, [one!], null);
    const { cases } = await replay({ corpus, candidate: versionOf(V1, "v2", { verify }) });
    expect(cases[0]!.candidate).toMatchObject({ state: "unstable", wrong: { count: 5, of: 10 } });
  });

  it("takes a damaged input for no answer, and says why", async () => {
    const corpus = await corpusWith(base, found.slice(0, 2));
    const { entries } = await corpus.read();
    const { input } = entries[0]!.manifest;
    await corpus.folder.write(`blobs/${input.slice(0, 2)}/${input}.npy`, new Uint8Array([1, 2, 3]));
    const { cases } = await replay({ corpus, candidate: base });
    expect(cases[0]!.candidate).toMatchObject({ state: "error", detail: expect.stringContaining("E_CORPUS_BLOB") });
    expect(cases[1]!.candidate.state).toBe("yields");
  });
});

/** `BLINDSPOT_WRITE=1 npx vitest run src/regression/gate.test.ts` writes them anew. */
describe("the published JSON Schemas of replay and gate", () => {
  it.each(Object.entries(regressionJsonSchemas()))("%s is current", (name, schema) => {
    const file = new URL(`../../schemas/${name}`, import.meta.url);
    const text = `${JSON.stringify(schema, null, 2)}\n`;
    if (process.env["BLINDSPOT_WRITE"] === "1") writeFileSync(file, text);
    expect(readFileSync(file, "utf8")).toBe(text);
  });
});
