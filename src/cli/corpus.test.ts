import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CorpusStatistics } from "../corpus/statistics.ts";
import { runCorpusSchema, summaryOf } from "../corpus/summary.ts";
import { writeModel } from "../graph/index.ts";
import { summaryText } from "../report/corpus/sections.ts";
import { readNpz } from "../tensor/npz.ts";
import { int64 } from "../tensor/tensor.ts";
import { runBuilt } from "./built.test.fixture.ts";
import { halvesData, halvesModel, writeFiles } from "./halves.test.fixture.ts";

const RUN = ["assess", "--model", "model.onnx", "--data", "npz:data.npz", "--threat", "linf:0.2", "--attacks", "fgsm"];
let folder: string;

const blindspot = (...args: string[]) => runBuilt(folder, args);

interface Listed {
  readonly id: string;
  readonly kinds: readonly string[];
  readonly trust: string;
  readonly label: { readonly name: string } | null;
}

async function listed(...args: string[]): Promise<Listed[]> {
  return JSON.parse((await blindspot("corpus", "ls", "--json", ...args)).stdout) as Listed[];
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-corpus-cli-"));
  const { x, y } = halvesData();
  // The last ten labels are turned: natural errors.
  const labels = Array.from(y.data as BigInt64Array, (label, i) => (i < 50 ? Number(label) : 1 - Number(label)));
  writeFiles(folder, { "model.onnx": writeModel(halvesModel()), "data.npz": { x, y: int64([60], labels) } });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("assess --corpus", () => {
  it("writes no corpus unasked", async () => {
    const { stdout, code } = await blindspot(...RUN, "--samples", "5", "--out", "unasked");
    expect([code, existsSync(join(folder, "boundary"))]).toEqual([0, false]);
    expect(stdout).not.toContain("Corpus");
  });

  it("stores findings and natural errors, says how many are new, and never twice", async () => {
    const first = await blindspot(...RUN, "--samples", "all", "--corpus", "boundary", "--out", "first");
    const counts = /Corpus boundary: (\d+) new of (\d+) findings, 10 new of 10 natural errors/.exec(first.stdout)!;
    expect(counts).not.toBeNull();
    expect(Number(counts[1])).toBeGreaterThan(0);
    expect(counts[1]).toBe(counts[2]);
    const entries = await listed();
    expect(entries).toHaveLength(Number(counts[1]) + 10);
    const kept = runCorpusSchema.parse(JSON.parse(readFileSync(join(folder, "first", "corpus.json"), "utf8")));
    const statistics = JSON.parse((await blindspot("corpus", "stats", "--json")).stdout) as CorpusStatistics;
    expect(kept).toMatchObject({
      corpus: "boundary",
      findings: { isNew: Number(counts[1]) },
      naturalErrors: { isNew: 10 },
    });
    expect(kept.holds).toEqual(summaryOf(statistics));
    const page = readFileSync(join(folder, "first", "report.html"), "utf8");
    expect(page).toContain(`<h2>The corpus</h2>`);
    expect(page).toContain(summaryText(kept.holds));
    expect(entries.filter(({ kinds }) => kinds.includes("natural"))).toHaveLength(10);
    const files = readdirSync(join(folder, "boundary"), { recursive: true });
    // Without --corpus: the folder exists now, so it is asked.
    const second = await blindspot(...RUN, "--samples", "all", "--out", "second", "--json");
    expect(second.stderr).toContain(`0 new of ${counts[2]} findings, 0 new of 10 natural errors`);
    expect(JSON.parse(second.stdout)).toMatchObject({ schema: "blindspot-result/1" });
    expect(readdirSync(join(folder, "boundary"), { recursive: true })).toEqual(files);
    const third = await blindspot("corpus", "add", "--from-run", "first");
    expect(third.stdout).toContain(`0 new of ${counts[2]} findings, 0 new of 10 natural errors`);
    const off = await blindspot(...RUN, "--samples", "5", "--out", "off", "--corpus", "none");
    expect(off.stdout).not.toContain("Corpus");
    expect(readFileSync(join(folder, "off", "report.html"), "utf8")).not.toContain("<h2>The corpus</h2>");
    // A report made again tells the same; a file that does not fit is left out.
    await blindspot("report", "first", "--out", "again.html");
    const report = readFileSync(join(folder, "first", "report.html"));
    expect(readFileSync(join(folder, "again.html"))).toEqual(report);
    cpSync(join(folder, "first"), join(folder, "odd"), { recursive: true });
    writeFileSync(join(folder, "odd", "corpus.json"), '{"schema":"blindspot-run-corpus/1","holds":{}}');
    const odd = await blindspot("report", "odd", "--out", "-");
    expect([odd.code, odd.stdout.includes("<h2>The corpus</h2>")]).toEqual([0, false]);
  });

  it("refuses a folder that is no corpus before it attacks anything", async () => {
    const { code, stderr, stdout } = await blindspot(...RUN, "--corpus", "first", "--out", "refused");
    expect([code, stdout, existsSync(join(folder, "refused"))]).toEqual([2, "", false]);
    expect(stderr).toContain("E_CORPUS_NOT_EMPTY");
  });

  it("keeps paths of this machine out of what is shared", async () => {
    await blindspot(
      ...RUN.map((word, i) => (i === 4 ? `npz:${join(folder, "data.npz")}` : word)),
      "--samples",
      "10",
      "--corpus",
      "shared",
      "--out",
      "s",
    );
    const events = readdirSync(join(folder, "shared", "events"), { recursive: true, encoding: "utf8" });
    const texts = events.filter((name) => name.endsWith(".json"));
    expect(texts.length).toBeGreaterThan(0);
    for (const name of texts)
      expect(readFileSync(join(folder, "shared", "events", name), "utf8")).not.toContain(folder);
  });
});

describe("blindspot corpus", () => {
  it("add: a report is an open question until a person answers it", async () => {
    const { id } = (await listed("--kind", "adversarial"))[0]!;
    const shown = JSON.parse((await blindspot("corpus", "show", id, "--json")).stdout);
    cpSync(join(folder, shown.files.raw.path), join(folder, "photo.npy"));
    const added = await blindspot("corpus", "add", "--input", "photo.npy", "--json");
    const reported = JSON.parse(added.stdout) as { id: string; isNew: boolean };
    expect(reported.isNew).toBe(true);
    expect(await listed("--unlabelled")).toMatchObject([{ id: reported.id, kinds: ["reported"], label: null }]);
    expect((await blindspot("corpus", "add", "--input", "photo.npy", "--label", "oops")).stderr).toContain(
      "E_CORPUS_LABEL",
    );
    await blindspot("corpus", "add", "--input", "photo.npy", "--label", "1", "--by", "ann");
    expect(await listed("--unlabelled")).toEqual([]);
    expect(await listed("--kind", "reported")).toMatchObject([{ trust: "trusted", label: { name: "1" } }]);
    const { stdout } = await blindspot("corpus", "show", reported.id.slice(0, 8));
    expect(stdout).toMatch(/reported: photo.npy[\s\S]*ann says: valid, true class 1/);
  });

  it("filters by kind, class pair and threat; counts", async () => {
    const all = await listed();
    const [zero, one] = [await listed("--pair", "0:1"), await listed("--pair", "1:0")];
    expect(zero.length + one.length).toBe(all.length - 1);
    expect(await listed("--threat", "linf")).toHaveLength((await listed("--kind", "adversarial")).length);
    expect(await listed("--threat", "linf:0.1")).toEqual([]);
    expect((await blindspot("corpus", "ls", "--pair", "2:0")).stderr).toContain("E_CORPUS_PAIR");
    const { stdout } = await blindspot("corpus", "ls", "--limit", "3");
    expect(stdout.split("\n")).toHaveLength(6);
    expect(JSON.parse((await blindspot("corpus", "stats", "--json")).stdout)).toMatchObject({
      samples: all.length,
      damaged: 0,
      models: [{ name: "model.onnx", samples: all.length - 1, isNew: all.length - 1 }],
    });
  });

  it("tells which samples are alike: by ls, show and stats", async () => {
    const twice = ["--corpus", "twice"];
    for (const seed of ["0", "1"])
      await blindspot(
        ...RUN.slice(0, -1),
        "pgd",
        "--samples",
        "first:8",
        "--seed",
        seed,
        ...twice,
        "--out",
        `alike-${seed}`,
      );
    const lines = (await listed(...twice, "--leaders")) as (Listed & { alike: number })[];
    const groups = lines.filter(({ alike }) => alike > 0);
    const [leader] = groups;
    const { alike } = JSON.parse((await blindspot("corpus", "show", leader!.id, ...twice, "--json")).stdout);
    expect(alike).toMatchObject({ leader: leader!.id, suspicious: false });
    expect(alike.members).toHaveLength(leader!.alike + 1);
    const { stdout } = await blindspot("corpus", "show", alike.members[1], ...twice);
    expect(stdout).toContain(`led by ${leader!.id.slice(0, 12)}`);
    expect(JSON.parse((await blindspot("corpus", "stats", ...twice, "--json")).stdout)).toMatchObject({
      samples: lines.reduce((sum, line) => sum + line.alike + 1, 0),
      alike: { groups: groups.length, samples: groups.reduce((sum, line) => sum + line.alike + 1, 0) },
    });
  });

  it("export, import and merge: the same ids; what comes in from elsewhere is not trusted", async () => {
    expect((await blindspot("corpus", "export", "--kind", "adversarial", "--out", "part")).code).toBe(0);
    const part = (await listed("--corpus", "part")).map(({ id }) => id);
    expect(part).toEqual((await listed("--kind", "adversarial")).map(({ id }) => id));
    expect((await blindspot("corpus", "merge", "part")).stdout).toBe("boundary: 0 new samples, 0 new events\n");
    await blindspot("corpus", "export", "--kind", "natural", "--out", "natural.npz");
    const { x, y } = readNpz(new Uint8Array(readFileSync(join(folder, "natural.npz"))));
    expect([x!.dims[0], y!.dims]).toEqual([10, [10]]);
    const imported = await blindspot("corpus", "import", "npz:natural.npz", "--kind", "natural", "--corpus", "in");
    expect(imported.stdout).toMatch(/10 new of 10 inputs\n {2}untrusted/);
    const ids = (entries: Listed[]) => entries.map(({ id }) => id).sort();
    expect(ids(await listed("--corpus", "in"))).toEqual(ids(await listed("--kind", "natural")));
    expect(new Set((await listed("--corpus", "in")).map(({ trust }) => trust))).toEqual(new Set(["untrusted"]));
    expect((await blindspot("corpus", "export", "--corpus", "in", "--out", "no.npz", "--classes", "0,1")).code).toBe(2);
  });

  it("minimize: shrinks what has a clean side, reads the model as the corpus says, and never twice", async () => {
    cpSync(join(folder, "boundary"), join(folder, "shrunk"), { recursive: true });
    const args = ["minimize", "--all-new", "--model", "model.onnx", "--corpus", "shrunk"];
    const first = await blindspot(...args);
    const count = Number(/shrunk: (\d+) samples shrunk/.exec(first.stdout)?.[1]);
    expect([first.code, first.stderr]).toEqual([0, ""]);
    expect(count).toBeGreaterThan(0);
    expect(first.stdout).toContain("11 left out: it has no clean side");
    expect((await blindspot(...args)).stdout).toContain(`0 samples shrunk, ${count} were before`);
    const { id } = (await listed("--kind", "adversarial", "--corpus", "shrunk"))[0]!;
    expect((await blindspot("corpus", "show", id, "--corpus", "shrunk")).stdout).toMatch(/minimal made in \d+ queries/);
    expect((await blindspot("corpus", "verify", "--corpus", "shrunk")).code).toBe(0);
    expect((await blindspot("minimize", "--model", "model.onnx")).stderr).toContain("--all-new");
  });

  it("forget: the inputs are gone, the tombstone stays, no merge brings them back", async () => {
    cpSync(join(folder, "boundary"), join(folder, "clone"), { recursive: true });
    const { id } = (await listed("--kind", "natural"))[0]!;
    expect((await blindspot("corpus", "forget", id)).stderr).toContain("--reason");
    const gone = JSON.parse((await blindspot("corpus", "forget", id, "--reason", "a face", "--json")).stdout);
    expect(gone.removed).toHaveLength(1);
    await blindspot("corpus", "merge", "clone");
    expect(existsSync(join(folder, "boundary", gone.removed[0]))).toBe(false);
    expect((await listed()).map((entry) => entry.id)).not.toContain(id);
    expect((await blindspot("corpus", "verify")).stdout).toContain("all whole");
  });

  it("verify: damage is exit code 1, and each damaged file is named", async () => {
    const blobs = readdirSync(join(folder, "clone", "blobs"), { recursive: true, encoding: "utf8" });
    const broken = blobs.filter((name) => name.includes(".")).slice(0, 3);
    for (const name of broken) {
      const path = join(folder, "clone", "blobs", name);
      writeFileSync(path, new Uint8Array(readFileSync(path)).fill(1, 150, 151));
    }
    const { code, stdout } = await blindspot("corpus", "verify", "--corpus", "clone");
    expect(code).toBe(1);
    for (const name of broken) expect(stdout).toContain(name);
  });

  it.each([
    [["ls", "--corpus", "none-such"], "E_CORPUS_MISSING"],
    [["show", "xyz"], "E_CORPUS_ID"],
    [["show", "00000000"], "E_CORPUS_ID"],
    [["add"], "E_OPTION_MISSING"],
    [["add", "--input", "model.onnx"], "E_IMAGE"],
    [["add", "--input", "none.png"], "E_INPUT_FILE"],
    [["merge", "first"], "E_CORPUS_MISSING"],
    [["ls", "--kind", "evil"], "E_OPTION"],
    [["nope"], "E_USAGE"],
  ])("corpus %j is exit code 2 and says %s", async (args, message) => {
    const { code, stderr, stdout } = await blindspot("corpus", ...args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("    at ");
  });

  it("begins a corpus in an empty folder, with a README", async () => {
    mkdirSync(join(folder, "empty"));
    await blindspot("corpus", "merge", "part", "--corpus", "empty");
    expect(readdirSync(join(folder, "empty"))).toEqual(expect.arrayContaining(["FORMAT", "README.md", "samples"]));
  });
});
