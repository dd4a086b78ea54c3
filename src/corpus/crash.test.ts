import { describe, expect, it } from "vitest";
import type { Corpus } from "./corpus.ts";
import { type CorpusFolder, memoryFolder } from "./folder.ts";
import { forget } from "./forget.ts";
import { digestOf } from "./identity.ts";
import { modelFile } from "./layout.ts";
import { merge } from "./merge.ts";
import { corpusOf, filesOf, foundEvent, imageSample, MODEL, ticking, vectorSample } from "./samples.test.fixture.ts";
import { MODEL_SCHEMA } from "./schema.ts";
import { verify } from "./verify.ts";

/** A folder that dies at its n-th change: what a killed process or a full disk leaves of ours, since each file is whole or absent. */
function dyingFolder(folder: CorpusFolder, changes: number): CorpusFolder {
  let left = changes;
  const change = () => {
    if (left-- <= 0) throw new Error("died");
  };
  return {
    ...folder,
    write: async (path, bytes) => {
      change();
      await folder.write(path, bytes);
    },
    remove: async (path) => {
      change();
      await folder.remove(path);
    },
  };
}

const SAMPLES = [imageSample([1, 2, 3, 4]), imageSample([4, 3, 2, 1], null), vectorSample([0, 1, 0.5])];
const OLD = [imageSample([7, 7, 7, 7])];

const RENDERED = {
  event: "rendered",
  rendition: "minimal",
  input: digestOf(OLD[0]!.codec, OLD[0]!.clean!),
  model: modelFile({ schema: MODEL_SCHEMA, ...MODEL }).digest,
  predicted: { name: "yield", index: 1 },
  marginFloor: 0,
  guarantee: "none",
  stop: "reached",
  queries: 1,
} as const;

/** Work on a corpus that holds one sample. */
const WORK: Readonly<Record<string, (corpus: Corpus) => Promise<unknown>>> = {
  "storing three samples": async (corpus) => {
    for (const sample of SAMPLES) await corpus.add(sample);
  },
  "merging three samples": async (corpus) => merge(corpus, await corpusOf(SAMPLES, memoryFolder(), ticking(500))),
  // The clean side is that of others, the second input that of a rendition.
  "merging tombstones": async (corpus) => {
    const [old, shared] = [OLD[0]!, imageSample([7, 7, 7, 8])];
    const other = await corpusOf([old, shared], memoryFolder(), ticking(500));
    const [first, second] = (await other.read()).entries.map(({ id }) => id);
    await other.append(first!, RENDERED);
    await other.append(second!, { event: "forgotten", by: "ann", reason: "a face" });
    await other.append(first!, { event: "forgotten", by: "ann", reason: "a face" });
    await merge(corpus, other);
  },
  "a judgement": async (corpus) => {
    const [entry] = (await corpus.read()).entries;
    await corpus.append(entry!.id, { event: "judged", by: "ann", verdict: "valid", label: { name: "turn" } });
  },
  forgetting: async (corpus) => forget(corpus, (await corpus.read()).entries[0]!, "ann", "a face"),
};

describe.each(Object.entries(WORK))("%s, stopped before every single change", (name, work) => {
  it("loses nothing, leaves nothing half-true, and is completed by the same call", async () => {
    const whole = await corpusOf(OLD);
    await work(whole);
    const expected = await meaning(whole);
    let stops = 0;
    for (let changes = 0; ; changes++) {
      const files = new Map<string, Uint8Array>();
      const begun = await corpusOf(OLD, memoryFolder(files));
      const before = (await begun.read()).entries;
      const dying = await corpusOf([], dyingFolder(memoryFolder(files), changes)).catch(() => null);
      const finished =
        dying !== null &&
        (await work(dying).then(
          () => true,
          () => false,
        ));
      const after = await corpusOf([], memoryFolder(files));
      const { entries, problems } = await after.read();
      expect(problems).toEqual([]);
      // What was there is there, and whatever is listed has its label, its kind and both of its sides.
      for (const { id } of before) expect(entries.map((entry) => entry.id)).toContain(id);
      for (const entry of entries) expect([entry.kinds.length, entry.label !== null]).toEqual([1, true]);
      expect((await verify(after)).problems).toEqual([]);
      await work(after);
      expect(await meaning(after)).toEqual(expected);
      expect(await verify(after)).toMatchObject({ problems: [], leftovers: [] });
      if (finished) break;
      stops++;
    }
    expect(stops).toBeGreaterThan(name === "a judgement" ? 0 : 1);
  });
});

/** What a corpus says, without the times. */
async function meaning(corpus: Corpus): Promise<unknown> {
  const { entries } = await corpus.read();
  const blobs = Object.keys(await filesOf(corpus)).filter((path) => path.startsWith("blobs/"));
  return [blobs, entries.map(({ id, trust, label, events }) => [id, trust, label, events.map(({ event }) => event)])];
}

describe("damaged and foreign files", () => {
  const sample = imageSample([1, 2, 3, 4]);

  async function damaged(change: (files: Map<string, Uint8Array>, path: (part: string) => string) => void) {
    const files = new Map<string, Uint8Array>();
    const corpus = await corpusOf([sample, imageSample([9, 9, 9, 9], null)], memoryFolder(files));
    const { id } = (await corpusOf([sample]).then((other) => other.read())).entries[0]!;
    change(files, (part) => [...files.keys()].find((path) => path.startsWith(part) && path.includes(id.slice(0, 16)))!);
    return { corpus, files, id };
  }

  it.each([
    ["a flipped bit", (bytes: Uint8Array) => bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte))],
    ["half of it", (bytes: Uint8Array) => bytes.slice(0, bytes.length >> 1)],
    ["nothing", () => new Uint8Array(0)],
    ["other bytes", () => new TextEncoder().encode("hello")],
  ])("%s in any file: named by its path, the others stand, storing again heals it", async (_, break_) => {
    const whole = await corpusOf([sample]);
    const names = Object.keys(await filesOf(whole)).filter((path) => /^(samples|events|blobs|models)\//.test(path));
    expect(names).toHaveLength(5);
    for (const path of names) {
      const files = new Map<string, Uint8Array>();
      const corpus = await corpusOf([sample, imageSample([9, 9, 9, 9], null)], memoryFolder(files));
      files.set(path, break_(files.get(path)!));
      expect((await verify(corpus)).problems.map((problem) => problem.path)).toEqual([path]);
      const { entries } = await corpus.read();
      expect(entries.length).toBe(path.startsWith("samples/") ? 1 : 2);
      await corpusOf([sample], memoryFolder(files), ticking(5_000));
      // A damaged event stays where it is, beside the one that says the same again: it may hold what somebody meant.
      const left = (await verify(corpus)).problems.map((problem) => problem.path);
      expect(left).toEqual(path.startsWith("events/") ? [path] : []);
    }
  });

  it("a damaged input is never given out, nor passed on", async () => {
    const { corpus, files } = await damaged(() => {});
    for (const path of [...files.keys()].filter((name) => name.startsWith("blobs/")))
      files.set(
        path,
        files.get(path)!.map((byte, i) => (i === 45 ? byte ^ 8 : byte)),
      );
    const { entries } = await corpus.read();
    for (const { manifest } of entries) await expect(corpus.point(manifest, "input")).rejects.toThrow("E_CORPUS_BLOB");
    const target = await corpusOf([]);
    const merged = await merge(target, corpus);
    expect([merged.samples, merged.refused.length]).toEqual([0, 2]);
    expect((await target.read()).entries).toEqual([]);
  });

  it("newer versions: files of theirs are kept, listed, passed on byte by byte, and never rewritten", async () => {
    const { corpus, files, id } = await damaged(() => {});
    const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const { sha256 } = await import("../base/hash.ts");
    const event = text({ schema: "blindspot-event/1", event: "dreamt", sample: id });
    const later = text({ schema: "blindspot-event/2", what: "found" });
    const foreign = `${"ab".repeat(32)}`;
    const added = {
      [`samples/ab/${foreign}.json`]: text({ schema: "blindspot-sample/2", id: foreign, modality: "sound" }),
      [`events/${id.slice(0, 2)}/${id.slice(0, 16)}-${sha256(event)}.json`]: event,
      [`events/${id.slice(0, 2)}/${id.slice(0, 16)}-${sha256(later)}.json`]: later,
      [`blobs/ab/${foreign}.flac`]: text("sound"),
    };
    for (const [path, bytes] of Object.entries(added)) files.set(path, bytes);
    const { entries, notUnderstood, problems } = await corpus.read();
    expect([entries.length, problems]).toEqual([2, []]);
    expect(notUnderstood.map((line) => line.replace(/.*\(/, "("))).toEqual(
      expect.arrayContaining(["(blindspot-sample/2)", "(event 'dreamt')", "(blindspot-event/2)"]),
    );
    const target = await corpusOf([]);
    expect((await merge(target, corpus)).refused).toEqual([]);
    expect(await filesOf(target)).toEqual(await filesOf(corpus));
    await corpus.add(sample);
    for (const [path, bytes] of Object.entries(added)) expect(files.get(path)).toEqual(bytes);
  });

  it.each([
    ["a newer format", "boundary-corpus 2\n", "E_CORPUS_VERSION"],
    ["an older format", "boundary-corpus 0\n", "E_CORPUS_VERSION"],
    ["another format", "hello\n", "E_CORPUS_MISSING"],
  ])("%s is refused, and nothing is written into it", async (_, format, code) => {
    const files = new Map([["FORMAT", new TextEncoder().encode(format)]]);
    await expect(corpusOf([sample], memoryFolder(files))).rejects.toThrow(code);
    expect([...files.keys()]).toEqual(["FORMAT"]);
  });

  it("a folder of something else is refused, and nothing is written into it", async () => {
    const files = new Map([["thesis.tex", new Uint8Array(3)]]);
    await expect(corpusOf([sample], memoryFolder(files))).rejects.toThrow("E_CORPUS_NOT_EMPTY");
    expect([...files.keys()]).toEqual(["thesis.tex"]);
  });

  it("a hostile corpus: false names, false hashes, other people's paths are refused one by one; the rest is taken", async () => {
    const { corpus, files, id } = await damaged(() => {});
    const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const fake = { schema: "blindspot-sample/1", id: "c".repeat(64), modality: "image", values: "uint8", clean: null };
    const bad: Record<string, Uint8Array> = {
      "samples/../escape.json": text({}),
      [`samples/cc/${"c".repeat(64)}.json`]: text({ ...fake, dims: [2, 2, 1], input: "d".repeat(64) }),
      [`samples/cd/${"cd".repeat(32)}.json`]: text({ ...fake, dims: [65535, 65535, 3], input: "d".repeat(64) }),
      [`samples/ce/${"ce".repeat(32)}.json`]: new TextEncoder().encode(`${"[".repeat(50_000)}`),
      [`events/${id.slice(0, 2)}/${id.slice(0, 16)}-${"0".repeat(64)}.json`]: text(foundEvent()),
      [`events/${id.slice(0, 2)}/run.sh`]: text("rm -rf"),
      [`models/${"e".repeat(64)}.json`]: text({ schema: "blindspot-model/1" }),
    };
    for (const [path, bytes] of Object.entries(bad)) files.set(path, bytes);
    const target = await corpusOf([]);
    const { refused, samples } = await merge(target, corpus);
    expect(samples).toBe(2);
    expect(refused).toHaveLength(Object.keys(bad).length - 1);
    const taken = Object.keys(await filesOf(target));
    for (const path of Object.keys(bad)) expect(taken).not.toContain(path);
    expect(await verify(target)).toMatchObject({ problems: [], leftovers: [] });
  });
});
