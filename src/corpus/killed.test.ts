import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { Corpus } from "./corpus.ts";
import { renditionOf } from "./entry.ts";
import { diskFolder } from "./files.ts";
import { memoryFolder } from "./folder.ts";
import { sampleOf, storeAndShrink } from "./renderer.test.fixture.ts";
import { verify } from "./verify.ts";

// The built file: child processes can't read TypeScript.
const WRITER = fileURLToPath(new URL("../../dist/corpus/renderer.test.fixture.js", import.meta.url));
const SAMPLES = 3;
/** `bench/kills.mjs` counts 200. */
const KILLS = 4;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-killed-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Stores and shrinks samples until it has said `last`; what it said by then. */
function killedAfter(last: string, from: number): Promise<string[]> {
  if (!existsSync(WRITER)) throw new Error("run `npm run build` first: these tests start the built writer");
  const child = spawn(process.execPath, [WRITER, folder, String(from), String(from + SAMPLES)]);
  let text = "";
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      if (text.includes(last)) child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("close", () => resolve(text.split("\n").slice(0, -1)));
  });
}

describe("a minimization that is killed", () => {
  it("leaves what it said to be done, nothing damaged, and is completed by the same call", async () => {
    const said: string[] = [];
    // At its first word, and between a sample that is stored and its renditions.
    for (let kill = 0; kill < KILLS; kill++)
      said.push(...(await killedAfter(kill % 2 === 0 ? "stored" : "shrunk", kill * SAMPLES)));
    const corpus = await Corpus.open(await diskFolder(folder));
    expect((await verify(corpus)).problems).toEqual([]);
    /** Of these words, those that are not true. */
    const untrue = async (lines: readonly string[]) => {
      const entries = new Map((await corpus.read()).entries.map((entry) => [entry.id, entry]));
      return lines.filter((line) => {
        const [what, id] = line.split(" ") as [string, string];
        const entry = entries.get(id);
        return entry === undefined || (what === "shrunk" && renditionOf(entry, "minimal") === null);
      });
    };
    const claims = said.filter((line) => /^(stored|shrunk) /.test(line));
    expect(claims.length).toBeGreaterThanOrEqual(KILLS);
    expect(await untrue(claims)).toEqual([]);
    expect(said).not.toContain("done");
    const again: string[] = [];
    for (let i = 0; i < KILLS * SAMPLES; i++) await storeAndShrink(corpus, i, (line) => again.push(line));
    expect(again).toHaveLength(2 * KILLS * SAMPLES);
    expect(await untrue(again)).toEqual([]);
    expect((await verify(corpus)).problems).toEqual([]);
  });
});

describe("flipped bits", () => {
  it("in 100 inputs: each is named, and none is given out as another", async () => {
    const files = new Map<string, Uint8Array>();
    const corpus = await Corpus.create(memoryFolder(files));
    for (let i = 0; i < 60; i++) await corpus.add(sampleOf(i));
    const rng = Rng.of(5);
    const blobs = rng.shuffle([...files.keys()].filter((path) => path.startsWith("blobs/"))).slice(0, 100);
    expect(blobs).toHaveLength(100);
    const whole = new Map<string, Float32Array>();
    const sides = (await corpus.read()).entries.flatMap(({ manifest }) =>
      [manifest.input, manifest.clean!].map((digest) => ({ manifest, digest })),
    );
    for (const { manifest, digest } of sides) whole.set(digest, await corpus.point(manifest, { digest }));
    for (const path of blobs) {
      const bytes = files.get(path)!;
      bytes[rng.integer(bytes.length)]! ^= 1 << rng.integer(8);
    }
    const named = new Set((await verify(corpus)).problems.map(({ path }) => path));
    for (const { manifest, digest } of sides) {
      const read = await corpus.readInput(manifest, digest);
      // A bit that no decoder reads harms nothing; whatever comes back is what was stored.
      if (read.state === "good") expect(read.value).toEqual(whole.get(digest));
      else expect(named).toContain(`blobs/${digest.slice(0, 2)}/${digest}.png`);
    }
    expect(named.size).toBeGreaterThan(80);
  });
});
