import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Corpus } from "../../corpus/corpus.ts";
import { memoryFolder } from "../../corpus/folder.ts";
import { blobPath } from "../../corpus/layout.ts";
import { corpusOf, foundEvent, imageSample, rowSample, textSample } from "../../corpus/samples.test.fixture.ts";
import type { Outcome } from "../../regression/schema.ts";
import { caseOf, gateOf, HOSTILE } from "../../report/gate/result.test.fixture.ts";
import { writeReproducers } from "./reproducers.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-reproducers-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("reproducers of a gate", () => {
  it("are all that the candidate gets wrong: inputs byte by byte, a corpus of these alone, a command for each", async () => {
    const corpus = await corpusOf([]);
    const add = async (sample: Parameters<Corpus["add"]>[0]) => (await corpus.add(sample)).id;
    const ids = {
      "newly-broken": await add(imageSample([1, 2, 3, 0])),
      "still-broken": await add(rowSample(1, 1, true, [foundEvent()])),
      "clean-regression": await add(textSample("fr\u0435e", "free", [foundEvent()])),
      fixed: await add(imageSample([3, 2, 1, 0])),
      moved: await add(imageSample([3, 3, 3, 0])),
      "not-evaluated": await add(imageSample([3, 3, 3, 1])),
    };
    const child = await add(imageSample([3, 3, 2, 0]));
    const cases = Object.entries(ids).map(([outcome, sample]) => {
      const one = caseOf(outcome as Outcome);
      const attacked = outcome === "moved" ? { attacked: { ...one.attacked!, child } } : {};
      return { ...one, sample, label: HOSTILE, ...attacked };
    });
    const file = join(folder, "deep", "r.zip");
    const given = { model: "it's v2.onnx", against: "v1.onnx", mean: [0.5], seed: 3 };
    await writeReproducers(file, gateOf(cases), corpus, given as never);

    const files = unzipSync(new Uint8Array(readFileSync(file)));
    const wrong = [ids["newly-broken"], ids["still-broken"], ids["clean-regression"], child];
    const inside = new Map(
      Object.entries(files).flatMap(([path, bytes]) => {
        const inner = path.replace(/^boundary\//, "");
        return inner === path ? [] : [[inner, bytes] as const];
      }),
    );
    const { entries, problems } = await (await Corpus.open(memoryFolder(inside))).read();
    expect([entries.map(({ id }) => id), problems]).toEqual([[...wrong].sort(), []]);
    const readme = new TextDecoder().decode(files["README.txt"]);
    for (const { id, manifest } of entries) {
      const extension = { image: "png", row: "json", text: "txt", vector: "npy" }[manifest.modality];
      for (const [name, digest] of [
        ["input", manifest.input],
        ["clean", manifest.clean!],
      ] as const)
        expect(files[`inputs/${id.slice(0, 12)}/${name}.${extension}`]).toEqual(
          await corpus.folder.read(blobPath(digest, manifest), 1e6),
        );
      expect(readme).toContain(
        `npx blindspot replay ${id.slice(0, 12)} --corpus boundary --model 'it'\\''s v2.onnx' --mean 0.5\n`,
      );
    }
    expect(readme.match(/npx blindspot replay/g)).toHaveLength(1 + wrong.length);
    expect(readme).toContain(`found beside ${ids.moved.slice(0, 12)}`);
    expect(readme).not.toMatch(/[\p{Cf}\0]|\n::error/u);
  });
});
