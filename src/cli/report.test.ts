import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Finding } from "../assess/schema.ts";
import { REPORTERS } from "../report/formats.ts";
import { runBuilt } from "./built.test.fixture.ts";
import { halvesData, halvesModel, writeFiles } from "./halves.test.fixture.ts";
import { REPORT_NAMES } from "./write-report.ts";

const RUN = ["--model", "model.onnx", "--data", "npz:data.npz", "--threat", "linf:0.2", "--seed", "3"];
let folder: string;

const blindspot = (args: readonly string[], env?: NodeJS.ProcessEnv) => runBuilt(folder, args, env);

const read = (...path: string[]) => readFileSync(join(folder, ...path), "utf8");
const findings = () =>
  read("run", "findings.jsonl")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Finding);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-report-"));
  writeFiles(folder, { "model.onnx": halvesModel(), "data.npz": halvesData() });
  mkdirSync(join(folder, "nothing"));
  const { code, stdout, stderr } = await blindspot([
    "assess",
    ...RUN,
    "--samples",
    "20",
    "--attacks",
    "quick",
    "--out",
    "run",
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain(`Report      ${join("run", "report.html")}\n`);
  expect(stdout).toContain("npx blindspot report run --open");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("assess", () => {
  it("leaves the HTML report in the folder of the run", () => {
    const page = read("run", "report.html");
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain("model.onnx");
  });

  it("leaves one of a run that was cut short, too", async () => {
    const { code, stdout } = await blindspot(["assess", ...RUN, "--time", "0.001", "--out", "short"]);
    expect(code).toBe(3);
    expect(stdout).toContain(join("short", "report.html"));
    expect(read("short", "report.html")).toMatch(/^<!doctype html>/);
  });
});

describe("report", () => {
  it.each([
    ["html", /^<!doctype html>/],
    ["one-page", /^<!doctype html>[\s\S]*Key concepts/],
    ["markdown", /^## Blindspot: `model\.onnx`/],
    ["csv", /^id,threat,index/],
  ] as const)("writes %s beside the run, the same bytes each time", async (format, beginning) => {
    const name = REPORT_NAMES[format];
    const ended = await blindspot(["report", "run", "--format", format]);
    expect(ended).toEqual({ code: 0, stdout: `${join("run", name)}\n`, stderr: "" });
    const first = read("run", name);
    expect(first).toMatch(beginning);
    const { stdout } = await blindspot(["report", "run", "--format", format, "--out", "-"]);
    expect(stdout).toBe(first);
  });

  it("knows every reporter", () => expect(Object.keys(REPORT_NAMES)).toEqual(Object.keys(REPORTERS)));

  it("shows as many pictures as it is told", async () => {
    const { stdout } = await blindspot(["report", "run", "--pictures", "0", "--out", "-"]);
    expect(stdout).not.toContain("data:image/png");
  });

  it("says what is missing of a run, and makes the report without it", async () => {
    const edited = read("run", "result.json").replace('"seed": 3', '"seed": 4');
    mkdirSync(join(folder, "edited"));
    writeFileSync(join(folder, "edited", "result.json"), edited);
    const { code, stderr } = await blindspot(["report", "edited"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^note: .*findings\.jsonl is missing/m);
    expect(read("edited", "report.html")).toContain("findings.jsonl is missing");
  });

  it.each([
    ["an empty folder", ["report", "nothing"], /E_RUN_MISSING nothing/],
    ["no folder", ["report", "nowhere"], /E_RUN_MISSING nowhere/],
    ["no argument", ["report"], /E_USAGE/],
    ["an unknown format", ["report", "run", "--format", "pdf"], /E_OPTION --format.*html or one-page/],
    ["a place that is none", ["report", "run", "--out", "no/such/folder.html"], /E_WRITE no\/such\/folder\.html/],
    ["nothing to open", ["report", "run", "--out", "-", "--open"], /E_OPTION --open/],
  ])("refuses %s", async (_name, args, message) => {
    const { code, stdout, stderr } = await blindspot(args);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});

describe.skipIf(process.platform !== "linux")("report --open", () => {
  const withOpener = (script: string | null) => {
    const bin = mkdtempSync(join(folder, "bin-"));
    if (script !== null) {
      writeFileSync(join(bin, "xdg-open"), `#!/bin/sh\n${script}\n`);
      chmodSync(join(bin, "xdg-open"), 0o755);
    }
    return {
      ...process.env,
      PATH: script === null ? bin : `${bin}${delimiter}${process.env["PATH"]}`,
      OPENED: join(bin, "opened"),
    };
  };

  it("hands the file to the desktop's opener", async () => {
    const env = withOpener('printf %s "$1" > "$OPENED"');
    const { code, stderr } = await blindspot(["report", "run", "--out", "a b;c.html", "--open"], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(readFileSync(env.OPENED, "utf8")).toMatch(/\/a b;c\.html$/);
  });

  it.each([
    ["fails", "exit 4", /note: not opened: xdg-open ended with 4/],
    ["is not there", null, /note: not opened: there is no xdg-open here/],
  ])("only notes an opener that %s", async (_name, script, note) => {
    const { code, stdout, stderr } = await blindspot(["report", "run", "--open"], withOpener(script));
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${join("run", "report.html")}\n` });
    expect(stderr).toMatch(note);
  });
});

describe("the command of a finding", () => {
  const commands = async () => {
    const { stdout } = await blindspot(["report", "run", "--format", "csv", "--out", "-"]);
    return (parse(stdout, { columns: true }) as Record<string, string>[]).map(({ id, attack, command }) => ({
      id: id!,
      attack: attack!,
      words: command!.split(" ").slice(2),
    }));
  };

  it("makes it again, with its id, for every attack that found something", { timeout: 60_000 }, async () => {
    const all = await commands();
    expect(all.map(({ id }) => id)).toEqual(findings().map(({ id }) => id));
    const one = [...new Map(all.map((row) => [row.attack, row])).values()];
    expect(one.length).toBeGreaterThan(0);
    for (const { id, words } of one) {
      const { stdout } = await blindspot([...words, "--json"]);
      const [report] = JSON.parse(stdout) as { findings: Finding[] }[];
      expect(report!.findings.map((finding) => finding.id)).toEqual([id]);
    }
  });

  it("tells it as input, action and outcome", async () => {
    const [{ id, words }] = (await commands()) as [Awaited<ReturnType<typeof commands>>[number]];
    const { stdout } = await blindspot(words);
    expect(stdout).toContain(`Finding ${id}\n  INPUT    Sample `);
    expect(stdout).toMatch(/\n {2}ACTION {3}Attack [\s\S]*\n {2}OUTCOME {2}The model says /);
  });
});
