import { execFileSync, spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { Corpus } from "./corpus.ts";
import { diskFolder } from "./files.ts";
import { corpusOf, imageSample, ticking } from "./samples.test.fixture.ts";
import { verify } from "./verify.ts";

// The built file: child processes can't read TypeScript.
const WRITER = fileURLToPath(new URL("../../dist/corpus/writer.test.fixture.js", import.meta.url));
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-corpus-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A writer that is killed after so many samples and milliseconds; the ids that it said it had stored. */
function writer(
  directory: string,
  from: number,
  to: number,
  kill?: { after: number; wait: number },
): Promise<string[]> {
  if (!existsSync(WRITER)) throw new Error("run `npm run build` first: these tests start the built writer");
  const child = spawn(process.execPath, [WRITER, directory, String(from), String(to)]);
  let text = "";
  return new Promise((resolve, reject) => {
    let armed = kill !== undefined;
    child.stdout.on("data", (chunk) => {
      text += chunk;
      if (!armed || text.split("\n").length - 1 <= kill!.after) return;
      armed = false;
      setTimeout(() => child.kill("SIGKILL"), kill!.wait);
    });
    child.on("error", reject);
    child.on("close", () => resolve(text.split("\n").slice(1, -1)));
  });
}

const reopen = async () => Corpus.open(await diskFolder(folder));

/** `BLINDSPOT_KILLS=200` gives the figures of docs/corpus.md. */
const kills = Number(process.env["BLINDSPOT_KILLS"] ?? 12);

describe("a corpus on disk", () => {
  it(
    "killed at random moments: what was said to be stored is there, nothing is damaged, the next writer goes on",
    async () => {
      const rng = Rng.of(7);
      const said = new Set<string>();
      let inside = 0;
      for (let i = 0; i < kills; i++) {
        const stored = await writer(folder, i * 20, i * 20 + 20, {
          after: Math.floor(rng.uniform() * 15),
          wait: Math.floor(rng.uniform() * 8),
        });
        if (stored.length < 20) inside++;
        for (const id of stored) said.add(id);
      }
      const corpus = await reopen();
      const { problems, leftovers } = await verify(corpus);
      expect(problems).toEqual([]);
      const listed = new Set((await corpus.read()).entries.map(({ id }) => id));
      expect([...said].filter((id) => !listed.has(id))).toEqual([]);
      expect(inside).toBeGreaterThan(kills / 2);
      // The same work again completes what was left half-way; only files that never got their names remain.
      for (let i = 0; i < kills * 20; i++) await corpus.add(imageSample([i & 255, i >> 8, 1, 2], [0, 0, i & 255, 0]));
      const after = await verify(await reopen());
      expect([after.samples, after.problems]).toEqual([kills * 20, []]);
      expect(after.leftovers.filter(({ path }) => !path.startsWith(".tmp/"))).toEqual([]);
      console.log(`${kills} kills, ${inside} while it stored, ${leftovers.length} files left over`);
    },
    60_000 + 5000 * kills,
  );

  it("four writers at once, whose samples overlap: the union, and nothing damaged", async () => {
    const stored = await Promise.all([0, 10, 20, 30].map((from) => writer(folder, from, from + 25)));
    const corpus = await reopen();
    const { samples, problems, leftovers } = await verify(corpus);
    expect([samples, problems, leftovers]).toEqual([55, [], []]);
    expect(new Set(stored.flat()).size).toBe(55);
    // Two may say the same at the same moment; what stands is one discovery all the same.
    for (const { found, trust } of (await corpus.read()).entries)
      expect([found.length >= 1, trust]).toEqual([true, "trusted"]);
  });

  it("two git branches that found the same and other things merge without a conflict", async (context) => {
    const git = (...args: string[]) => {
      const who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main"];
      return spawnSync("git", [...who, ...args], { cwd: folder, encoding: "utf8" });
    };
    context.skip(git("init", "-q").status !== 0, "needs git");
    const store = async (at: number, ...samples: number[]) => {
      const inputs = samples.map((sample) => imageSample([sample, 0, 0, 0]));
      await corpusOf(inputs, await diskFolder(join(folder, "boundary")), ticking(at));
      git("add", "-A");
      expect(git("commit", "-q", "-m", `at ${at}`).status).toBe(0);
    };
    await store(0, 1);
    git("checkout", "-q", "-b", "other");
    await store(1000, 2, 3);
    git("checkout", "-q", "main");
    await store(2000, 3, 4);
    expect(git("merge", "-q", "-m", "both", "other").status).toBe(0);
    const corpus = await Corpus.open(await diskFolder(join(folder, "boundary")));
    expect(await verify(corpus)).toMatchObject({ samples: 4, problems: [], leftovers: [] });
    const found = (await corpus.read()).entries.map((entry) => entry.found.length);
    expect(found.sort()).toEqual([1, 1, 1, 2]);
    expect(git("status", "--short").stdout).toBe("");
  });

  it("a full disk: the error says so, what was stored stays, and freed space lets it go on", async (context) => {
    const small = join(folder, "small");
    mkdirSync(small);
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=400k", "tmpfs", small]).status === 0;
    context.skip(!mounted, "needs the right to mount a small tmpfs");
    try {
      const corpus = await corpusOf([], await diskFolder(join(small, "corpus")));
      writeFileSync(join(small, "ballast"), new Uint8Array(100_000));
      const ids: string[] = [];
      const fill = async () => {
        for (let i = 0; i < 200; i++) ids.push((await corpus.add(imageSample([i, 1, 1, 1], null))).id);
      };
      await expect(fill()).rejects.toThrow("E_DISK_FULL");
      expect(ids.length).toBeGreaterThan(3);
      const { samples, problems } = await verify(corpus);
      expect([samples, problems]).toEqual([ids.length, []]);
      expect(readdirSync(join(small, "corpus", ".tmp"))).toEqual([]);
      rmSync(join(small, "ballast"));
      expect((await corpus.add(imageSample([ids.length, 1, 1, 1], null))).isNew).toBe(true);
      expect(await verify(corpus)).toMatchObject({ samples: ids.length + 1, problems: [], leftovers: [] });
    } finally {
      execFileSync("umount", [small]);
    }
  });

  it("links, pipes, folders and huge files in the place of ours are named, neither followed nor waited for", async () => {
    const corpus = await corpusOf([imageSample([1, 2, 3, 4])], await diskFolder(folder));
    const secret = join(folder, "secret");
    writeFileSync(secret, "secret");
    mkdirSync(join(folder, "samples", "00"), { recursive: true });
    const name = (digit: string) => join(folder, "samples", "00", `00${digit.repeat(62)}.json`);
    symlinkSync(secret, name("1"));
    mkdirSync(name("2"));
    writeFileSync(name("3"), new Uint8Array(300 * 1024));
    if (process.platform !== "win32") execFileSync("mkfifo", [name("4")]);
    const { entries, problems } = await corpus.read();
    expect(entries).toHaveLength(1);
    expect(problems.map(({ problem }) => problem).slice(0, 3)).toEqual([
      "a link",
      "a folder, or something special",
      `${300 * 1024}`,
    ]);
    expect(problems).toHaveLength(process.platform === "win32" ? 3 : 4);
  });

  it("a folder that leads out of the corpus is not written through", async () => {
    const outside = mkdtempSync(join(tmpdir(), "blindspot-outside-"));
    try {
      const corpus = await corpusOf([], await diskFolder(folder));
      symlinkSync(outside, join(folder, "blobs"));
      await expect(corpus.add(imageSample([1, 2, 3, 4]))).rejects.toThrow("E_CORPUS_LINK");
      expect(readdirSync(outside)).toEqual([]);
    } finally {
      rmSync(outside, { recursive: true, force: true });
    }
  });

  it("what a killed writer left is removed after an hour", async () => {
    await corpusOf([], await diskFolder(folder));
    for (const [name, age] of [
      ["old", 2 * 60 * 60],
      ["new", 60],
    ] as const) {
      const path = join(folder, ".tmp", name);
      writeFileSync(path, "");
      utimesSync(path, Date.now() / 1000 - age, Date.now() / 1000 - age);
    }
    await diskFolder(folder);
    expect(readdirSync(join(folder, ".tmp"))).toEqual(["new"]);
  });

  it("reading makes and changes nothing", async () => {
    await expect(diskFolder(join(folder, "none")).then((none) => Corpus.open(none))).rejects.toThrow(
      "E_CORPUS_MISSING",
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});
