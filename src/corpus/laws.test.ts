import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Corpus, type NewSample } from "./corpus.ts";
import { entryOf } from "./entry.ts";
import { memoryFolder } from "./folder.ts";
import { digestOf, formOf, manifestOf, sampleId } from "./identity.ts";
import { incomingFile } from "./incoming.ts";
import { merge } from "./merge.ts";
import {
  anySample,
  anySamples,
  corpusOf,
  filesOf,
  foundEvent,
  imageSample,
  READING,
  rowSample,
  textSample,
  ticking,
  vectorSample,
} from "./samples.test.fixture.ts";
import { verify } from "./verify.ts";

const RUNS = { numRuns: 40 };

/** A corpus with the files of both, begun anew. */
async function union(...parts: readonly Corpus[]): Promise<Corpus> {
  const target = await Corpus.create(memoryFolder());
  for (const part of parts) expect((await merge(target, part)).refused).toEqual([]);
  return target;
}

describe("laws of the corpus", () => {
  it("what is stored is read back, bit by bit", async () => {
    await fc.assert(
      fc.asyncProperty(anySample, async (sample) => {
        const corpus = await corpusOf([sample]);
        const { entries, problems } = await corpus.read();
        expect([entries.length, problems]).toEqual([1, []]);
        const entry = entries[0]!;
        if (entry.forgotten !== null) return;
        expect(await corpus.point(entry.manifest, "input", READING)).toEqual(sample.point);
        if (sample.clean !== null) expect(await corpus.point(entry.manifest, "clean", READING)).toEqual(sample.clean);
        expect(await verify(corpus)).toMatchObject({ problems: [], leftovers: [], samples: 1 });
      }),
      RUNS,
    );
  });

  it("storing twice changes no byte", async () => {
    await fc.assert(
      fc.asyncProperty(anySample, anySample, async (a, b) => {
        // Judgements alternate on purpose: the latest counts.
        const settled = (sample: NewSample): NewSample => ({
          ...sample,
          events: sample.events.filter(({ event }) => event !== "judged"),
        });
        const [one, other] = [settled(a), settled(b)];
        const corpus = await corpusOf([one, other]);
        const before = await filesOf(corpus);
        const again = [await corpus.add(one), await corpus.add(other)];
        expect(again.map(({ isNew, events }) => [isNew, events])).toEqual([
          [false, 0],
          [false, 0],
        ]);
        expect(await filesOf(corpus)).toEqual(before);
      }),
      RUNS,
    );
  });

  it("merging is commutative, associative and idempotent: the same files, byte by byte", async () => {
    await fc.assert(
      fc.asyncProperty(anySamples, anySamples, anySamples, async (...lists) => {
        // Clocks that never agree: two machines.
        const [a, b, c] = (await Promise.all(
          lists.map((samples, i) => corpusOf(samples, memoryFolder(), ticking(10_000 * i))),
        )) as [Corpus, Corpus, Corpus];
        const ab = await filesOf(await union(a, b));
        expect(await filesOf(await union(b, a))).toEqual(ab);
        expect(await filesOf(await union(await union(a, b), c))).toEqual(
          await filesOf(await union(a, await union(b, c))),
        );
        expect(await filesOf(await union(a, b, a, b))).toEqual(ab);
        const stands = async (corpus: Corpus) => (await corpus.read()).entries;
        expect(await stands(await union(a, b))).toEqual(await stands(await union(b, a)));
      }),
      { numRuns: 20 },
    );
  });

  it("a merge loses no sample and no event", async () => {
    await fc.assert(
      fc.asyncProperty(anySamples, anySamples, async (one, other) => {
        const parts = [await corpusOf(one), await corpusOf(other, memoryFolder(), ticking(10_000))];
        const all = (await (await union(...parts)).read()).entries;
        for (const part of parts)
          for (const { id, events } of (await part.read()).entries)
            expect(all.find((entry) => entry.id === id)!.events).toEqual(expect.arrayContaining([...events]));
      }),
      RUNS,
    );
  });

  it("what stands does not depend on the order in which events arrive", async () => {
    await fc.assert(
      fc.asyncProperty(anySample, fc.infiniteStream(fc.nat()), async (sample, order) => {
        const { events, manifest } = (await (await corpusOf([sample])).read()).entries[0]!;
        const shuffled = events.map((event) => [order.next().value, event] as const).sort(([a], [b]) => a - b);
        expect(
          entryOf(
            manifest,
            shuffled.map(([, event]) => event),
          ),
        ).toEqual(entryOf(manifest, events));
      }),
      RUNS,
    );
  });

  it("a tombstone wins, in whatever order corpora meet", async () => {
    const sample = imageSample([1, 2, 3, 4]);
    const gone = {
      ...sample,
      events: [...sample.events, { event: "forgotten", by: "ann", reason: "a face" } as const],
    };
    const alive = await corpusOf([sample, imageSample([9, 9, 9, 9])]);
    const dead = await corpusOf([gone]);
    for (const order of [
      [alive, dead],
      [dead, alive],
    ]) {
      const both = await union(...order);
      const { entries } = await both.read();
      expect(entries.map(({ trust }) => trust).sort()).toEqual(["forgotten", "trusted"]);
      // The clean side belongs to the other sample, too.
      expect(await verify(both)).toMatchObject({ problems: [], leftovers: [] });
      expect(Object.keys(await filesOf(both)).filter((path) => path.startsWith("blobs/"))).toHaveLength(2);
      expect(await both.add(sample)).toMatchObject({ forgotten: true, isNew: false });
    }
  });
});

describe("identity", () => {
  it("is content: modality, input and clean input, and nothing else", async () => {
    const id = async (sample: ReturnType<typeof imageSample>) => (await (await corpusOf([])).add(sample)).id;
    const first = await id(imageSample([1, 2, 3, 4]));
    expect(
      await id(imageSample([1, 2, 3, 4], [0, 0, 0, 0], [{ event: "reported", kind: "reported", file: "y" }])),
    ).toBe(first);
    expect(await id(imageSample([1, 2, 3, 5]))).not.toBe(first);
    expect(await id(imageSample([1, 2, 3, 4], null))).not.toBe(first);
    expect(await id(imageSample([1, 2, 3, 4], [0, 0, 0, 1]))).not.toBe(first);
    expect(await id(vectorSample([-0, 0, 1]))).toBe(await id(vectorSample([0, 0, 1])));
  });

  // Computed by Python's hashlib. Ids are in people's repositories: if this changes, no corpus fits any more.
  it("stays as it is, version for version", async () => {
    const { codec, point, clean } = imageSample([1, 2, 3, 4]);
    const manifest = manifestOf(formOf(codec), digestOf(codec, point), digestOf(codec, clean!));
    expect(manifest.input).toBe("70403301a96daab6c73cad499602b7a6f4de7a784fc3b8344ea640910ee6c3fc");
    expect(sampleId(manifest)).toBe("4d69ea2d426d4ca00890905523a1e60d0b24259f13d87d3e956de9cc98926608");
  });

  it("knows a row and a text without schema and size: the same ids from files alone, however the row was written", async () => {
    const events = [foundEvent()];
    const written = new TextEncoder().encode('{ "job": "chef", "age": 20 }');
    const corpus = await corpusOf([rowSample(2, 2, false, events), textSample("fr\u0435e", null, events)]);
    for (const { form, input } of [
      await incomingFile("row", written),
      await incomingFile("text", new TextEncoder().encode("fr\u0435e")),
    ])
      expect(await corpus.add({ form, input, clean: null, events })).toMatchObject({ isNew: false, events: 0 });
    await expect(incomingFile("row", new TextEncoder().encode('{"a":[1]}'))).rejects.toThrow("another value in 'a'");
    await expect(incomingFile("row", new TextEncoder().encode("[1]"))).rejects.toThrow("another JSON value");
    await expect(incomingFile("text", Uint8Array.of(0xff))).rejects.toThrow("UTF-8");
    const { entries } = await corpus.read();
    expect(entries).toHaveLength(2);
    for (const { manifest } of entries)
      await expect(corpus.point(manifest, "input")).rejects.toThrow("E_CORPUS_READING");
  });

  it("refuses NaN", async () => {
    const corpus = await corpusOf([]);
    await expect(corpus.add(vectorSample([0, Number.NaN, 1]))).rejects.toThrow("value 1 is NaN");
    expect((await corpus.read()).entries).toEqual([]);
  });
});
