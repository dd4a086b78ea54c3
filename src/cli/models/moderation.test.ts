import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Finding, resultSchema } from "../../assess/schema.ts";
import { MAIN, requireBuilt } from "../built.test.fixture.ts";
import { writeFiles } from "../halves.test.fixture.ts";

/** What the words of a text say of violence. */
const WORDS: Readonly<Record<string, number>> = { kill: 0.6, punch: 0.5, hate: 0.3 };
const violenceOf = (text: string): number =>
  Math.min(
    1,
    (text.toLowerCase().match(/[a-z]+/g) ?? []).reduce((sum, word) => sum + (WORDS[word] ?? 0), 0.1),
  );
const flags = (text: string): boolean => violenceOf(text) > 0.5;

const FLAGGED = ["I will kill you", "they hate and punch people", "punch him, kill him"];
const FINE = ["see you at the station", "milk and bread, please", "I hate mondays"];

let folder: string;
let server: Server;
const asked: string[] = [];
beforeAll(async () => {
  requireBuilt();
  folder = mkdtempSync(join(tmpdir(), "blindspot-moderation-"));
  const lines = [
    ...FLAGGED.map((text) => ({ text, kind: "flagged" })),
    ...FINE.map((text) => ({ text, kind: "fine" })),
  ];
  writeFiles(folder, { "texts.jsonl": `${lines.map((line) => JSON.stringify(line)).join("\n")}\n` });
  server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const { input } = JSON.parse(body) as { input: string[] };
    asked.push(...input);
    const results = input.map((text) => ({
      flagged: flags(text),
      categories: { violence: flags(text) },
      category_scores: { violence: violenceOf(text), "self-harm": 0.01 },
    }));
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ id: "modr-1", model: "mock", results }));
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

async function blindspot(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder });
  const said = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      said[stream] += text;
    });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { code, ...said };
}

const run = (): string[] => [
  ...["assess", "--model", `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/moderations`],
  ...[
    "--adapter",
    "openai-moderation",
    "--classes",
    "fine,flagged",
    "--data",
    "jsonl:texts.jsonl?text=text&label=kind",
  ],
  ...[
    "--threat",
    "text:invisible=2",
    "--attacks",
    "quick",
    "--cost-per-query",
    "0.001",
    "--max-cost",
    "3",
    "--concurrency",
    "12",
  ],
];

describe("a moderation endpoint", () => {
  it("is assessed from data to report: what was asked is what was counted, and its findings are its own answers", async () => {
    const { code, stderr } = await blindspot(...run(), "--quiet", "--out", "out");
    // Not even a warning of Node.js.
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const result = resultSchema.parse(JSON.parse(readFileSync(join(folder, "out/result.json"), "utf8")));
    expect(result.clean).toMatchObject({ correct: 6, of: 6 });
    expect(result.asked!.queries).toBe(asked.length);
    expect(result.asked!.queries).toBeLessThanOrEqual(3000);
    expect(result.threats[0]!.statuses.fooled).toBe(FLAGGED.length);
    const findings = readFileSync(join(folder, "out/findings.jsonl"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Finding);
    expect(findings).toHaveLength(FLAGGED.length);
    for (const { perturbation, subject } of findings) {
      expect(perturbation.magnitude.edits).toBeLessThanOrEqual(2);
      const text = readFileSync(join(folder, "out", perturbation.blob!.adversarial), "utf8");
      expect([subject.modality, flags(text), flags(text.replaceAll("\u200b", "").replaceAll(/\p{Cf}/gu, ""))]).toEqual([
        "text",
        false,
        true,
      ]);
    }
    expect(readFileSync(join(folder, "out/report.html"), "utf8")).toContain("[U+200B]");
  });

  it("gives the larger part of a small budget to the attacks, and says so before anything is asked", async () => {
    const before = asked.length;
    const { code, stdout } = await blindspot(...run(), "--dry-run", "--json");
    expect(code).toBe(0);
    expect(asked.length).toBe(before);
    const { asked: planned } = JSON.parse(stdout) as { asked: { attacks: number; audit: number } };
    expect(planned.audit).toBeLessThan(planned.attacks);
  });
});
