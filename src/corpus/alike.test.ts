import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { imageCodec } from "../inputs/index.ts";
import { differenceHash, hashDistance, hashWords } from "../inputs/measures/index.ts";
import { plainPng } from "../inputs/png.ts";
import { byKey, type Grouping, groupsIn, joined, type Seen } from "./alike.ts";
import { catalogOf } from "./catalog.ts";
import type { Corpus, NewSample } from "./corpus.ts";
import { merge } from "./merge.ts";
import { corpusOf, foundEvent, likelyAlike, rowSample, textSample } from "./samples.test.fixture.ts";
import type { EventBody } from "./schema.ts";

const hex = (n: number) => n.toString(16).padStart(64, "0");
/** Samples of few keys, seeds, hashes and changes, so that many are alike; hashes in chains that are near link by link. */
const anySeen: fc.Arbitrary<Seen> = fc
  .record({
    id: fc.integer({ min: 0, max: 999 }).map(hex),
    key: fc.constantFrom("a", "b"),
    seed: fc.integer({ min: 0, max: 9 }),
    size: fc.integer({ min: 0, max: 3 }),
    image: fc.boolean(),
    change: fc.constantFrom("dense", "sparse"),
    missing: fc.constantFrom(false, false, false, true),
  })
  .map(({ id, key, seed, size, image, change, missing }) => {
    // Four bits further from one seed to the next: near are neighbors alone.
    const hash = seed === 9 ? null : (0x1_0000_0000_0000n - (1n << BigInt(4 * seed))).toString(16).padStart(64, "0");
    const sketch = missing || !image ? null : { seed: hash, change };
    return { id, key: `${key}${image}`, seed: String(seed), size, image, sketch };
  });
const someSeen = fc.uniqueArray(anySeen, { selector: ({ id }) => id, maxLength: 40 });

const grouped = (all: readonly Seen[]): Grouping => joined(byKey(all).map((bucket) => groupsIn(bucket, all.length)));

/** Written another way: who can be reached from whom. */
function reference(all: readonly Seen[]): Grouping {
  const limit = Math.min(25, Math.max(5, all.length / 5));
  const linked = (exact: boolean) => (a: Seen, b: Seen) => {
    if (a.key !== b.key || a.sketch?.change !== b.sketch?.change || (a.image && a.sketch === null)) return false;
    if (a.seed === b.seed) return true;
    if (exact || a.sketch?.seed == null || b.sketch?.seed == null) return false;
    return hashDistance(hashWords(a.sketch.seed), hashWords(b.sketch.seed)) <= 7;
  };
  const parts = (some: readonly Seen[], link: (a: Seen, b: Seen) => boolean) => {
    const left = new Set(some);
    const result: Seen[][] = [];
    for (const first of some) {
      if (!left.delete(first)) continue;
      const part = [first];
      for (const one of part) for (const other of left) if (link(one, other) && left.delete(other)) part.push(other);
      result.push(part);
    }
    return result;
  };
  const final = parts(all, linked(false)).flatMap((part) => (part.length > limit ? parts(part, linked(true)) : [part]));
  const told = final
    .filter(({ length }) => length > 1)
    .map((part) => part.sort((a, b) => a.size - b.size || (a.id < b.id ? -1 : 1)).map(({ id }) => id))
    .map((members) => ({ leader: members[0]!, members }))
    .sort((a, b) => (a.leader < b.leader ? -1 : 1));
  return {
    groups: told.filter(({ members }) => members.length <= limit),
    suspicious: told.filter(({ members }) => members.length > limit),
  };
}

const someLikely = fc.array(likelyAlike, { minLength: 1, maxLength: 6 });

const of = (corpus: Corpus) => corpus.read().then((contents) => catalogOf(corpus, contents).alike());

describe("groups of samples that are alike", () => {
  it("are what can be reached from whom, in whatever order the samples come", () => {
    fc.assert(
      fc.property(someSeen, fc.infiniteStream(fc.nat()), (all, dice) => {
        const shuffled = all
          .map((one) => ({ one, at: dice.next().value as number }))
          .sort((a, b) => a.at - b.at)
          .map(({ one }) => one);
        expect(grouped(all)).toEqual(reference(all));
        expect(grouped(shuffled)).toEqual(grouped(all));
      }),
      { numRuns: 100 },
    );
  });

  it("are the classes of an equivalence: no sample is in two, and the first by change and id leads", () => {
    fc.assert(
      fc.property(someSeen, (all) => {
        const { groups, suspicious } = grouped(all);
        const members = [...groups, ...suspicious].flatMap((group) => group.members);
        expect(new Set(members).size).toBe(members.length);
        const sizes = new Map(all.map(({ id, size }) => [id, size]));
        for (const group of groups)
          for (const id of group.members) expect(sizes.get(group.leader)!).toBeLessThanOrEqual(sizes.get(id)!);
      }),
    );
  });

  it("of a union are those of the union, whoever took in whom", async () => {
    let seen = 0;
    await fc.assert(
      fc.asyncProperty(someLikely, someLikely, async (some, others) => {
        const [one, other] = [await corpusOf(some), await corpusOf(others)];
        const [left, right] = [await corpusOf(some), await corpusOf(others)];
        await merge(left, other);
        await merge(right, one);
        const { groups, suspicious } = await of(left);
        expect({ groups, suspicious }).toEqual(await of(right));
        // Stored one by one, in the other order, they are the same samples.
        expect({ groups, suspicious }).toEqual(await of(await corpusOf([...others, ...some].reverse())));
        seen += groups.length;
        const both = (await left.read()).entries.length;
        expect(both).toBe(
          new Set([...(await one.read()).entries, ...(await other.read()).entries].map(({ id }) => id)).size,
        );
      }),
      { numRuns: 8 },
    );
    expect(seen).toBeGreaterThan(0);
  });

  it("too large to be believed are told, and stand apart", () => {
    const seen = (i: number, seed: string, hash: string): Seen => {
      const sketch = { seed: hash, change: "dense" };
      return { id: hex(i), key: "k", seed, size: i, image: true, sketch };
    };
    const many = Array.from({ length: 26 }, (_, i) => seen(i, "same", "0".repeat(64)));
    expect(groupsIn(many, 1000)).toEqual({
      groups: [],
      suspicious: [{ leader: hex(0), members: many.map(({ id }) => id) }],
    });
    expect(groupsIn(many.slice(1), 1000).groups[0]!.members).toHaveLength(25);
    expect(groupsIn(many.slice(0, 12), 50).suspicious).toHaveLength(1);
    // Only nearness made it so large: equal seeds are still one group.
    const near = Array.from({ length: 30 }, (_, i) => seen(i, `seed ${Math.floor(i / 2)}`, "0".repeat(64)));
    expect(groupsIn(near, 1000).groups).toHaveLength(15);
    expect(groupsIn(near, 1000).suspicious).toEqual([]);
  });
});

const dims = [32, 32, 3];
const codec = imageCodec(dims, "uint8", plainPng);
/** Smooth, and different for each `seed`. */
const picture = (seed: number, brightness = 1) =>
  Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % 32, Math.floor(i / 96)];
    const value = 0.5 + 0.15 * Math.sin((x * (seed + 1)) / 5) + 0.15 * Math.cos((y * (seed + 2)) / 6 + x / 4);
    return Math.round(255 * value * brightness) / 255;
  });
const shifted = (clean: Float32Array, by: (x: number, y: number, i: number) => number) =>
  clean.map((value, i) => value + by(Math.floor(i / 3) % 32, Math.floor(i / 96), i) / 255);
const image = (clean: Float32Array, point: Float32Array, l2: number, change: Partial<FoundBody> = {}): NewSample => ({
  codec,
  point,
  clean,
  events: [foundEvent({ distance: { l0: 1, l1: 1, l2, linf: 0.1 }, ...change })],
});
type FoundBody = Extract<EventBody, { event: "found" }>;

describe("near-duplicates that were planted", () => {
  it("among images: one seed or one that looks like it, one class pair, one kind of change", async () => {
    const noise = (salt: number) => (_x: number, _y: number, i: number) =>
      Math.imul(i + salt, 0x9e3779b1) & 64 ? 6 : -6;
    const [a, b] = [picture(1), picture(2)];
    const patch = (x: number, y: number) => (x < 6 && y < 6 ? 40 : 0);
    const samples = {
      dense: image(a, shifted(a, noise(1)), 0.9),
      "dense again, smaller": image(a, shifted(a, noise(7777)), 0.8),
      "the same picture in less light": image(picture(1, 0.95), shifted(picture(1, 0.95), noise(3)), 1),
      "taken for another class": image(a, shifted(a, noise(5)), 0.7, { predicted: { name: "turn", index: 2 } }),
      "a patch": image(a, shifted(a, patch), 0.6),
      "the patch again": image(
        a,
        shifted(a, (x, y) => 1.25 * patch(x, y)),
        0.65,
      ),
      "a dark patch": image(
        a,
        shifted(a, (x, y) => -patch(x, y)),
        0.6,
      ),
      "another picture": image(b, shifted(b, noise(1)), 0.5),
    };
    const corpus = await corpusOf([]);
    const names = new Map<string, string>();
    for (const [name, sample] of Object.entries(samples)) names.set((await corpus.add(sample)).id, name);
    const { groups, suspicious } = await of(corpus);
    expect(suspicious).toEqual([]);
    expect(groups.map(({ members }) => members.map((id) => names.get(id))).sort()).toEqual([
      ["a patch", "the patch again"],
      ["dense again, smaller", "dense", "the same picture in less light"],
    ]);
  });

  it("among rows by their fields, among texts by kinds of edits and where they are", async () => {
    const row = (age: number, job: number, fields: string[]) =>
      rowSample(age, job, true, [foundEvent({ where: { fields } })]);
    const text = (one: string, edits: string[], words: number) =>
      textSample(one, "free prize", [
        foundEvent({ where: { edits }, distance: { l0: 1, words, l1: 1, l2: 1, linf: 1 } }),
      ]);
    const corpus = await corpusOf([]);
    const [young, old, , , one, two] = await Promise.all(
      [
        row(1, 0, ["age"]),
        row(2, 0, ["age"]),
        row(1, 1, ["job", "age"]),
        row(0, 2, ["job"]),
        text("fre prize", ["deletion, beginning"], 1),
        text("fee pize", ["deletion, beginning"], 2),
        text("free priz", ["deletion, end"], 1),
      ].map((sample) => corpus.add(sample)),
    );
    const { groups } = await of(corpus);
    expect(groups.map(({ members }) => [...members].sort())).toEqual(
      expect.arrayContaining([[young!.id, old!.id].sort(), [one!.id, two!.id].sort()]),
    );
    expect(groups).toHaveLength(2);
    expect(groups.map(({ leader }) => leader)).toContain(one!.id);
  });

  it("the hash tells a picture in another light from another picture, and says nothing of a flat one", () => {
    const words = (seed: number, brightness?: number) => hashWords(differenceHash(picture(seed, brightness), dims)!);
    expect(hashDistance(words(1), words(1, 0.9))).toBeLessThanOrEqual(7);
    expect(hashDistance(words(1), words(2))).toBeGreaterThan(30);
    expect(differenceHash(new Float32Array(32 * 32 * 3).fill(0.5), dims)).toBeNull();
  });
});
