import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Batcher } from "../attacks/batcher.ts";
import { forward, randomNet, type SmallNet, smallClassifier } from "../attacks/small-net.test.fixture.ts";
import { Rng } from "../base/rng.ts";
import { type Codec, imageCodec, vectorCodec } from "../inputs/index.ts";
import { plainPng } from "../inputs/png.ts";
import type { Classifier } from "../models/classifier.ts";
import { l2, linf } from "../threats/lp.ts";
import type { Threat } from "../threats/threat.ts";
import { unitAtoms } from "./atoms.ts";
import { judgeOf } from "./judge.ts";
import { rayDistance, stability } from "./measures.ts";
import { type Minimized, minimize } from "./minimize.ts";
import { gapOf, type Limits, marginFloor, type Subject } from "./search.ts";
import { shrinkingOf } from "./strategies.ts";
import { strengthened, WITNESS_GAP } from "./witness.ts";

const LIMITS: Limits = { queries: 5000, stall: 200 };

function sharesOf(net: SmallNet, x: Float32Array): Float32Array {
  const { scores } = forward(net, x);
  const largest = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - largest));
  return Float32Array.from(powers, (power) => power / powers.reduce((a, b) => a + b, 0));
}

const argmax = (shares: Float32Array) => shares.indexOf(Math.max(...shares));

interface Case {
  readonly net: SmallNet;
  readonly label: number;
  readonly subject: Subject & { readonly threat: Threat };
}

/** A random net, a random point, and another at random within the ball that is taken for something else. */
function caseOf(seed: number, codec: Codec, threat: Threat, hidden = 8): Case | null {
  const net = randomNet(seed, codec.size, 4, hidden);
  const rng = Rng.of(seed).fold("case");
  const clean = Float32Array.from({ length: codec.size }, () => rng.integer(256) / 255);
  const label = argmax(sharesOf(net, clean));
  for (let draw = 0; draw < 50; draw++) {
    const wrong = threat.deployable(threat.randomBoundaryPoint(clean, rng), clean);
    if (argmax(sharesOf(net, wrong)) === label) continue;
    const id = seed.toString(16).padStart(64, "0");
    return { net, label, subject: { id, clean, wrong, codec, threat } };
  }
  return null;
}

function cases(count: number, codec: Codec, threat: Threat): Case[] {
  const found: Case[] = [];
  for (let seed = 1; found.length < count; seed++) {
    const one = caseOf(seed, codec, threat);
    if (one !== null) found.push(one);
  }
  return found;
}

function shrink(one: Case, limits: Partial<Limits> = {}, change: Partial<Classifier> = {}) {
  const classifier = { ...smallClassifier(one.net, { dims: one.subject.codec.dims }), ...change };
  const judge = judgeOf(classifier, new Batcher(classifier));
  const { strategy } = shrinkingOf(one.subject.codec)!;
  return minimize(one.subject, one.label, judge, strategy, { ...LIMITS, ...limits });
}

async function shrunk(one: Case, limits: Partial<Limits> = {}, change: Partial<Classifier> = {}): Promise<Minimized> {
  const result = await shrink(one, limits, change);
  if (result.state !== "minimized") throw new Error(result.why);
  return result;
}

const changed = ({ subject }: Case, x: Float32Array) => unitAtoms(subject.clean, x, subject.codec.dims[2] ?? 1).count;

const few = cases(12, vectorCodec([10]), linf(0.3));
const many = cases(6, vectorCodec([60]), linf(0.15));
const pictures = cases(6, imageCodec([8, 8, 3], "uint8", plainPng), linf(32 / 255, { quantize: "uint8" }));
const kinds = { few, many, pictures } as const;

describe("minimize", () => {
  it("finds a smallest set of at most 12 changes: brute force agrees", async () => {
    for (const one of few) {
      const { clean, wrong } = one.subject;
      const target = argmax(sharesOf(one.net, wrong));
      const floor = marginFloor(gapOf(sharesOf(one.net, wrong), target));
      let smallest = clean.length;
      for (let set = 1; set < 2 ** clean.length; set++) {
        const x = clean.map((value, i) => ((set >> i) & 1 ? wrong[i]! : value));
        if (gapOf(sharesOf(one.net, x), target) >= floor) smallest = Math.min(smallest, changed(one, x));
      }
      const result = await shrunk(one);
      expect([changed(one, result.point), result.guarantee, result.stop]).toEqual([
        smallest,
        "subset-minimal",
        "local-minimum",
      ]);
    }
  });

  it.each(["many", "pictures"] as const)("leaves no change that could be taken back alone: %s", async (kind) => {
    for (const one of kinds[kind]) {
      const { point, guarantee, predicted, floor } = await shrunk(one);
      expect(guarantee).toBe("1-minimal");
      const atoms = unitAtoms(one.subject.clean, point, one.subject.codec.dims[2] ?? 1);
      for (let atom = 0; atom < atoms.count; atom++) {
        const kept = new Uint8Array(atoms.count).fill(1);
        kept[atom] = 0;
        expect(gapOf(sharesOf(one.net, atoms.keeping(kept)!), predicted)).toBeLessThan(floor);
      }
    }
  });

  it.each(["few", "many", "pictures"] as const)("keeps class, margin, threat and 8-bit values: %s", async (kind) => {
    for (const one of kinds[kind])
      for (const change of [{}, { capabilities: { output: "scores", gradient: false } }] as Partial<Classifier>[]) {
        const { subject, net } = one;
        const { point, predicted, floor, gap } = await shrunk(one, {}, change);
        expect(predicted).toBe(argmax(sharesOf(net, subject.wrong)));
        expect(gap).toBeGreaterThanOrEqual(floor - 1e-3);
        expect(gapOf(sharesOf(net, point), predicted)).toBeCloseTo(gap, 5);
        expect([subject.codec.check(point), subject.threat.violation(point, subject.clean)]).toEqual([null, null]);
        expect(changed(one, point)).toBeLessThanOrEqual(changed(one, subject.wrong));
      }
  });

  it("is the same whatever shares its batches, and in whatever order they end", async () => {
    for (const one of [...many.slice(0, 2), ...pictures.slice(0, 2)]) {
      const alone = await shrunk(one);
      const classifier = smallClassifier(one.net, {
        dims: one.subject.codec.dims,
        maxBatch: 3,
        concurrency: 3,
        delayMs: (pass) => (pass * 7) % 3,
      });
      const judge = judgeOf(classifier, new Batcher(classifier));
      const { strategy } = shrinkingOf(one.subject.codec)!;
      const [first, second] = await Promise.all(
        [0, 1].map(() => minimize(one.subject, one.label, judge, strategy, { ...LIMITS, queries: 300 })),
      );
      expect(first).toEqual(second);
      expect(first).toEqual(await shrunk(one, { queries: 300 }));
      expect(alone.point).toEqual((await shrunk(one)).point);
    }
  });

  it("holds every budget, and what it has by then is whole", async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...many, ...pictures), fc.integer({ min: 0, max: 80 }), async (one, queries) => {
        const result = await shrunk(one, { queries });
        expect(result.queries).toBeLessThanOrEqual(queries);
        expect(gapOf(sharesOf(one.net, result.point), result.predicted)).toBeGreaterThanOrEqual(result.floor - 1e-6);
        expect(changed(one, result.point)).toBeLessThanOrEqual(changed(one, one.subject.wrong));
        if (result.stop === "budget") expect(result.guarantee).toBe("none");
      }),
      { numRuns: 40 },
    );
  });

  it.each([
    ["deadline", { deadline: 5, now: tickingFrom(0) }],
    ["aborted", { signal: AbortSignal.abort() }],
    ["stall", { stall: 1 }],
  ] as const)("says that it ended by %s", async (stop, limits) => {
    const result = await shrunk(pictures[0]!, limits);
    expect([result.stop, result.guarantee]).toEqual([stop, "none"]);
  });

  it("with labels alone asks again and around instead of a margin", async () => {
    for (const one of [...few.slice(0, 4), ...pictures.slice(0, 2)]) {
      const exact = smallClassifier(one.net, { dims: one.subject.codec.dims });
      const oneHot = (scores: Float32Array) => {
        const rows = scores.length / 4;
        return Float32Array.from({ length: scores.length }, (_, i) => {
          const row = scores.subarray(4 * Math.floor(i / 4), 4 * Math.floor(i / 4) + 4);
          return rows > 0 && argmax(row) === i % 4 ? 1 : 0;
        });
      };
      const { point, predicted } = await shrunk(
        one,
        {},
        {
          capabilities: { output: "label", gradient: false },
          meaning: "label",
          scores: async (rows) => oneHot(await exact.scores(rows)),
          verify: async (row) => oneHot(await exact.verify(row)),
        },
      );
      expect(argmax(sharesOf(one.net, point))).toBe(predicted);
      expect(changed(one, point)).toBeLessThan(changed(one, one.subject.wrong));
    }
  });

  it("shrinks nothing where the model does not make the mistake, alone or in a batch", async () => {
    const [one] = many;
    const { clean, wrong } = one!.subject;
    expect(await shrink({ ...one!, label: argmax(sharesOf(one!.net, wrong)) })).toMatchObject({
      state: "not reproduced",
    });
    expect(await shrink({ ...one!, subject: { ...one!.subject, wrong: clean } })).toMatchObject({
      state: "not reproduced",
    });
    const verify = async () => Float32Array.from({ length: 4 }, (_, i) => (i === one!.label ? 9 : 0));
    expect(await shrink(one!, {}, { verify })).toMatchObject({ state: "not reproduced" });
  });

  it("falls back to an earlier input where the original model, alone, disagrees about the last", async () => {
    const [one] = many;
    const { point } = await shrunk(one!);
    const exact = smallClassifier(one!.net);
    const verify = async (row: Float32Array) =>
      row.every((value, i) => value === point[i])
        ? Float32Array.from({ length: 4 }, (_, i) => (i === one!.label ? 9 : 0))
        : exact.verify(row);
    const other = await shrunk(one!, {}, { verify });
    expect(other.point).not.toEqual(point);
    expect([other.guarantee, other.predicted]).toEqual(["none", argmax(sharesOf(one!.net, one!.subject.wrong))]);
  });
});

describe("a witness", () => {
  it.each([
    ["with gradients", true],
    ["by queries alone", false],
  ])("lies further inside the same wrong class, within the threat, %s", async (_, gradient) => {
    let reached = 0;
    const all = [
      ...many,
      ...pictures,
      ...cases(4, imageCodec([8, 8, 1], "uint8", plainPng), l2(0.8, { quantize: "uint8" })),
    ];
    for (const one of all) {
      const { subject, net, label } = one;
      const base = smallClassifier(net, { dims: subject.codec.dims });
      const classifier: Classifier = { ...base, capabilities: { output: "scores", gradient } };
      // Starts on the boundary, where attacks stop.
      const near = await nearBoundary(one);
      const witness = await strengthened(near, label, judgeOf(classifier, new Batcher(classifier)), LIMITS);
      const before = gapOf(sharesOf(net, near.wrong), witness!.predicted);
      expect(witness!.gap).toBeGreaterThanOrEqual(before - 1e-6);
      expect(witness!.gap).toBeCloseTo(gapOf(sharesOf(net, witness!.point), witness!.predicted), 5);
      expect([subject.codec.check(witness!.point), subject.threat.violation(witness!.point, subject.clean)]).toEqual([
        null,
        null,
      ]);
      if (witness!.stop === "reached") reached++;
      expect(witness!.stop === "reached").toBe(witness!.gap >= WITNESS_GAP);
    }
    expect(reached).toBeGreaterThan(all.length / 2);
  });

  async function nearBoundary({ subject, net, label }: Case) {
    let [low, high] = [0, 1];
    const at = (t: number) =>
      subject.threat.deployable(
        subject.clean.map((value, i) => value + t * (subject.wrong[i]! - value)),
        subject.clean,
      );
    for (let step = 0; step < 8; step++) {
      const middle = (low + high) / 2;
      if (argmax(sharesOf(net, at(middle))) === label) low = middle;
      else high = middle;
    }
    return { ...subject, wrong: at(high) };
  }
});

describe("measures", () => {
  it("the ray distance is that of the exact crossing on a linear model", async () => {
    // Class 1 where the mean of both coordinates is above a half.
    const net: SmallNet = { inputs: 2, classes: 2, hidden: null, weights: [0, 0, 4, 4], bias: [0, -4] };
    const classifier = smallClassifier(net);
    const subject = {
      id: "0".repeat(64),
      clean: Float32Array.of(0.2, 0.4),
      wrong: Float32Array.of(0.8, 0.8),
      codec: vectorCodec([2]),
      threat: l2(1),
    };
    const { distance } = await rayDistance(subject, 0, judgeOf(classifier, new Batcher(classifier)));
    expect(distance).toBeCloseTo(0.4 * Math.hypot(0.6, 0.4), 2);
    expect(distance).toBeGreaterThanOrEqual(0.4 * Math.hypot(0.6, 0.4) - 1e-6);
  });

  it("stability is 1 deep inside a class, and less on its boundary", async () => {
    const net: SmallNet = { inputs: 2, classes: 2, hidden: null, weights: [0, 0, 4, 4], bias: [0, -4] };
    const classifier = smallClassifier(net);
    const judge = judgeOf(classifier, new Batcher(classifier));
    const at = (x: number) => ({ id: "1".repeat(64), wrong: Float32Array.of(x, x), codec: vectorCodec([2]) });
    expect(await stability(at(0.9), 1, judge)).toMatchObject({ share: 1, queries: 32 });
    const { share, sampling95 } = await stability(at(0.5), 1, judge);
    expect(share).toBeGreaterThan(0.1);
    expect(share).toBeLessThan(0.9);
    expect(sampling95.low).toBeLessThan(share);
  });
});

function tickingFrom(start: number): () => number {
  let at = start;
  return () => at++;
}
