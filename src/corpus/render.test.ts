import { describe, expect, it } from "vitest";
import { Batcher } from "../attacks/batcher.ts";
import { forward, randomNet, smallClassifier } from "../attacks/small-net.test.fixture.ts";
import { Rng } from "../base/rng.ts";
import { imageCodec, textOf } from "../inputs/index.ts";
import { plainPng } from "../inputs/png.ts";
import { judgeOf } from "../minimize/index.ts";
import type { Classifier } from "../models/classifier.ts";
import { linf } from "../threats/lp.ts";
import { Corpus, type NewSample } from "./corpus.ts";
import { renditionOf } from "./entry.ts";
import { type CorpusFolder, memoryFolder } from "./folder.ts";
import { forget } from "./forget.ts";
import { modelFile } from "./layout.ts";
import { merge } from "./merge.ts";
import { isRendered, type RenderingModel, type RenderOptions, render } from "./render.ts";
import { filesOf, foundEvent, READING, textSample, ticking } from "./samples.test.fixture.ts";
import { MODEL_SCHEMA } from "./schema.ts";
import { verify } from "./verify.ts";

const DIMS = [6, 6, 3];
const NET = randomNet(3, 108, 3);
const CLASSES = ["stop", "yield", "turn"];
const THREAT = linf(24 / 255, { quantize: "uint8", spelled: "24/255" });
const codec = imageCodec(DIMS, "uint8", plainPng);
const RECORD = { kind: "onnx", identity: "7".repeat(64), classes: CLASSES, dims: DIMS, preprocessing: {} };

const argmax = (values: ArrayLike<number>) => Array.from(values).indexOf(Math.max(...Array.from(values)));
const predicted = (x: Float32Array) => argmax(forward(NET, x).scores);

/** Images that the net takes for another class than their clean side. */
function samples(count: number): NewSample[] {
  const made: NewSample[] = [];
  for (let seed = 0; made.length < count; seed++) {
    const rng = Rng.of(seed);
    const clean = Float32Array.from({ length: 108 }, () => rng.integer(256) / 255);
    const point = THREAT.deployable(THREAT.randomBoundaryPoint(clean, rng), clean);
    const [label, wrong] = [predicted(clean), predicted(point)];
    if (label === wrong) continue;
    const event = foundEvent({
      model: modelFile({ schema: MODEL_SCHEMA, ...RECORD }).digest,
      threat: THREAT.id,
      label: { name: CLASSES[label]!, index: label },
      predicted: { name: CLASSES[wrong]!, index: wrong },
    });
    made.push({ codec, point, clean, events: [event] });
  }
  return made;
}

const SAMPLES = samples(4);

async function corpusWith(folder: CorpusFolder, list: readonly NewSample[] = SAMPLES): Promise<Corpus> {
  const corpus = await Corpus.create(folder, { toolVersion: "1.2.3", now: ticking() });
  await corpus.storeModel(RECORD);
  for (const sample of list) await corpus.add(sample);
  return corpus;
}

async function modelOf(corpus: Corpus, change: Partial<Classifier> = {}): Promise<RenderingModel> {
  const classifier = { ...smallClassifier(NET, { dims: DIMS }), ...change };
  const judge = judgeOf(classifier, new Batcher(classifier));
  return { judge, record: await corpus.storeModel(RECORD), classes: CLASSES, dims: DIMS };
}

async function rendered(corpus: Corpus, options: RenderOptions = {}) {
  const { entries } = await corpus.read();
  return render(corpus, entries, await modelOf(corpus), options);
}

describe("rendering", () => {
  it("stores a witness with a margin and a minimal input, both wrong, both inside the threat", async () => {
    const corpus = await corpusWith(memoryFolder());
    const done = await rendered(corpus);
    expect(done.map(({ state }) => state)).toEqual(SAMPLES.map(() => "rendered"));
    const { entries, problems } = await corpus.read();
    expect(problems).toEqual([]);
    for (const entry of entries) {
      const clean = await corpus.point(entry.manifest, "clean");
      for (const kind of ["witness", "minimal"] as const) {
        const point = await corpus.point(entry.manifest, { digest: renditionOf(entry, kind)! });
        const event = entry.renditions.find(({ rendition }) => rendition === kind)!;
        expect(event.predicted.name).toBe(CLASSES[predicted(point)]);
        expect(event.predicted.name).not.toBe(entry.label!.name);
        expect(THREAT.violation(point, clean)).toBeNull();
        expect(event.margin).toBeGreaterThanOrEqual(event.marginFloor - 1e-3);
        expect(event.stability).toMatchObject({ draws: 32 });
        if (kind === "minimal") expect(event.changed).toBeLessThan(36);
      }
      expect(entry.measures.map(({ measure }) => measure)).toEqual(["ray-distance"]);
      expect(entry.measures[0]!.value).toBeLessThanOrEqual(24 / 255 + 1e-6);
    }
    expect(await verify(corpus)).toMatchObject({ problems: [], leftovers: [], inputs: SAMPLES.length * 4 });
  });

  it("passes over what is done, and says the same when asked again", async () => {
    const corpus = await corpusWith(memoryFolder());
    await rendered(corpus);
    const files = await filesOf(corpus);
    expect((await rendered(corpus)).every(({ state }) => state === "done before")).toBe(true);
    await rendered(corpus, { again: true });
    expect(await filesOf(corpus)).toEqual(files);
  });

  it("stopped at any moment, it keeps what is best, and goes on to the same end", async () => {
    const whole = await corpusWith(memoryFolder());
    await rendered(whole);
    const finals = async (corpus: Corpus) =>
      (await corpus.read()).entries.map((entry) => [
        entry.id,
        renditionOf(entry, "minimal"),
        renditionOf(entry, "witness"),
      ]);
    for (const passes of [0, 1, 3, 9, 20]) {
      const corpus = await corpusWith(memoryFolder());
      const stop = new AbortController();
      const exact = smallClassifier(NET, { dims: DIMS });
      let left = passes;
      const model = await modelOf(corpus, {
        scores: async (rows) => {
          if (left-- <= 0) stop.abort();
          return exact.scores(rows);
        },
      });
      const { entries } = await corpus.read();
      const done = await render(corpus, entries, model, { signal: stop.signal });
      for (const entry of (await corpus.read()).entries)
        for (const { input, predicted: wrong } of entry.renditions)
          expect(CLASSES[predicted(await corpus.point(entry.manifest, { digest: input }))]).toBe(wrong.name);
      expect((await verify(corpus)).problems).toEqual([]);
      await rendered(corpus);
      expect(await finals(corpus)).toEqual(await finals(whole));
      expect(done.length).toBeLessThanOrEqual(SAMPLES.length);
    }
  });

  it("died at any write: nothing half-true, and the same call completes it", async () => {
    const [sample] = SAMPLES;
    const whole = await corpusWith(memoryFolder(), [sample!]);
    await rendered(whole);
    const { record } = await modelOf(whole);
    for (let writes = 0; ; writes++) {
      const files = new Map<string, Uint8Array>();
      await corpusWith(memoryFolder(files), [sample!]);
      let left = writes;
      const base = memoryFolder(files);
      const dying = await Corpus.open({
        ...base,
        write: async (path, bytes) => {
          if (left-- <= 0) throw new Error("died");
          await base.write(path, bytes);
        },
      });
      const finished = await rendered(dying).then(
        () => true,
        () => false,
      );
      const after = await Corpus.open(memoryFolder(files));
      expect((await verify(after)).problems).toEqual([]);
      await rendered(after);
      const { entries } = await after.read();
      expect(entries.every((entry) => isRendered(entry, record))).toBe(true);
      expect(await verify(after)).toMatchObject({ problems: [], leftovers: [] });
      if (finished) break;
      expect(writes).toBeLessThan(20);
    }
  });

  it("merges with its inputs, and is forgotten with its sample", async () => {
    const corpus = await corpusWith(memoryFolder());
    await rendered(corpus);
    const copy = await Corpus.create(memoryFolder());
    expect((await merge(copy, corpus)).refused).toEqual([]);
    expect(await filesOf(copy)).toEqual(await filesOf(corpus));
    for (const entry of (await copy.read()).entries) await forget(copy, entry, "ann", "a face");
    expect(Object.keys(await filesOf(copy)).filter((path) => path.startsWith("blobs/"))).toEqual([]);
  });

  it("says why a sample has none", async () => {
    const [one, two] = SAMPLES;
    const corpus = await corpusWith(memoryFolder(), [
      { ...one!, clean: null },
      { ...two!, events: [{ event: "imported", kind: "adversarial", label: { name: "stop" }, data: { spec: "x" } }] },
      { ...two!, point: two!.clean!, clean: one!.clean },
    ]);
    const whys = (await rendered(corpus)).map((one) => ("why" in one ? one.why : one.state));
    expect(whys.sort()).toEqual([
      "it has no clean side",
      "only an import claims its class",
      expect.stringMatching(/gets the input right|misclassified too|rendered/),
    ]);
  });

  it("of texts and rows measures no distance along a line, and every event can be read back", async () => {
    const spam = (x: Float32Array) => (textOf(x).includes("free") ? [0.1, 0.9] : [0.9, 0.1]);
    const judge = {
      output: "scores",
      probabilities: async (x: Float32Array) => Float32Array.from(spam(x)),
      verify: async (x: Float32Array) => Float32Array.from(spam(x)),
    } as const;
    const event = foundEvent({
      threat: "text:invisible=3;none;untargeted",
      label: { name: "spam", index: 1 },
      predicted: { name: "ham", index: 0 },
    });
    const corpus = await Corpus.create(memoryFolder());
    await corpus.add(textSample("fr\u200bee u", "free u", [event]));
    const { entries } = await corpus.read();
    const classes = ["ham", "spam"];
    const model = { judge, record: "8".repeat(64), classes, dims: [12], reading: READING };
    expect(await render(corpus, entries, model)).toMatchObject([{ state: "rendered" }]);
    const after = await corpus.read();
    expect(after.problems).toEqual([]);
    expect([after.entries[0]!.renditions.length, after.entries[0]!.measures]).toEqual([2, []]);
    await expect(
      corpus.append(entries[0]!.id, {
        event: "measured",
        rendition: "raw",
        model: model.record,
        measure: "margin",
        value: Number.NaN,
        evidence: "exact",
        queries: 1,
      }),
    ).rejects.toThrow("internal");
  });
});
