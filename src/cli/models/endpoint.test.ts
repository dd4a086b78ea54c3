import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Result, resultSchema } from "../../assess/schema.ts";
import { halvesLogits, startServer, type TestServer } from "../../models/queried/server.test.fixture.ts";
import { MAIN, requireBuilt } from "../built.test.fixture.ts";
import { halvesData, halvesModel, writeFiles } from "../halves.test.fixture.ts";
import type { Given } from "../options.ts";
import { openAttacked } from "./open-attacked.ts";

let folder: string;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(args: readonly string[], environment: Record<string, string> = {}) {
  const child: ChildProcess = spawn(process.execPath, [MAIN, ...args], {
    cwd: folder,
    env: { ...process.env, ...environment },
  });
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr })));
  return { child, ended };
}

const blindspot = (...args: string[]) => start(args).ended;
const read = (path: string) => readFileSync(join(folder, path), "utf8");
const resultOf = (out: string): Result => resultSchema.parse(JSON.parse(read(`${out}/result.json`)));
/** Lines of the samples without what depends on the clock. */
const samplesOf = (out: string) =>
  JSON.parse(`[${read(`${out}/samples.jsonl`).trimEnd().replaceAll("\n", ",")}]`, (key, value) =>
    key === "seconds" ? undefined : value,
  ) as unknown;

const PROGRAM = `import { createInterface } from "node:readline";
const side = (row) => row.reduce((sum, value, i) => sum + (i % 4 < 2 ? value : -value), 0);
for await (const line of createInterface({ input: process.stdin })) {
  const scores = JSON.parse(line).inputs.map((image) => side(image.flat(9))).map((z) => [z, -z]);
  console.log(JSON.stringify({ scores }));
}
`;
const FUNCTIONS = `const side = (row) => row.reduce((sum, value, i) => sum + (i % 4 < 2 ? value : -value), 0);
export const scores = (rows) => rows.map(side).map((z) => [z, -z]);
export const labels = (rows) => rows.map((row) => (side(row) > 0 ? "left" : "right"));
export const broken = () => { throw new Error("no weights"); };
`;

beforeAll(() => {
  requireBuilt();
  folder = mkdtempSync(join(tmpdir(), "blindspot-endpoint-"));
  writeFiles(folder, {
    "model.onnx": halvesModel(),
    "data.npz": halvesData(),
    "program.mjs": PROGRAM,
    "functions.mjs": FUNCTIONS,
    "silent.mjs": "process.stdin.resume();",
    "dying.mjs": "console.error('no such model'); process.exit(3);",
    "chatty.mjs": "console.log('loading...'); process.stdin.resume();",
    "many.json": JSON.stringify({ request: { instances: "$inputs" }, scores: "$.predictions[*].scores" }),
    "label.json": JSON.stringify({ request: { x: "$input" }, label: "$.result.label", classes: ["left", "right"] }),
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const DATA = ["--data", "npz:data.npz", "--threat", "linf:0.1", "--classes", "left,right", "--layout", "nchw"];
const QUICK = [...DATA, "--attacks", "quick", "--samples", "6", "--quiet"];

async function withServer<T>(work: (server: TestServer) => Promise<T>): Promise<T> {
  const server = await startServer();
  try {
    return await work(server);
  } finally {
    await server.close();
  }
}

const many = (server: TestServer) => ["--model", `${server.url}/many`, "--adapter", "json:many.json"];

describe("assess against an endpoint", () => {
  it.concurrent("that speaks the Open Inference Protocol: the result says what was asked", () =>
    withServer(async (server) => {
      const model = ["--model", `${server.url}/v2/models/halves`, "--adapter", "kserve"];
      const { code, stderr } = await blindspot(
        "assess",
        ...model,
        ...QUICK,
        "--authorized",
        "ticket 9",
        "--out",
        "oip",
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const { model: facts, asked, checks, runtime } = resultOf("oip");
      expect(facts).toMatchObject({ kind: "http", authorized: "ticket 9", gradient: false });
      expect(facts.fingerprint).toMatch(/^[0-9a-f]{64}$/);
      expect(facts.sha256).toBeUndefined();
      expect(runtime).toBeNull();
      expect(asked!.queries).toBe(server.rowsAsked());
      expect(checks.find(({ id }) => id === "target-unchanged")?.status).toBe("pass");
    }));

  it.concurrent("that gives labels only: RayS runs", () =>
    withServer(async (server) => {
      const model = ["--model", `${server.url}/label`, "--adapter", "json:label.json"];
      expect((await blindspot("assess", ...model, ...QUICK, "--out", "label")).code).toBe(0);
      const { threats, notTested } = resultOf("label");
      expect(threats[0]!.profiles.map(({ knowledge, attacks }) => [knowledge, attacks[0]!.name])).toEqual([
        ["label", "rays"],
      ]);
      expect(notTested.join()).toMatch(/square: the model gives labels only/);
    }));

  it.concurrent("that changes: exit code 3, and the headline is withdrawn", () =>
    withServer(async (server) => {
      server.classify = (row) => halvesLogits(row).map((z) => (server.asked.length < 30 ? z : 2 * z));
      const { code, stderr } = await blindspot("assess", ...many(server), ...QUICK, "--out", "drift");
      expect(code).toBe(3);
      expect(stderr).toMatch(/E_TARGET_CHANGED .*target changed: \d+ of 16 probes/);
      expect(resultOf("drift").checks.find(({ id }) => id === "target-unchanged")?.status).toBe("fail");
    }));

  it.concurrent("that dies: what is finished is kept, and the exit code is 3", () =>
    withServer(async (server) => {
      server.mischief = (n) => (n < 60 ? undefined : { status: 500 });
      const { code, stderr } = await blindspot("assess", ...many(server), ...QUICK, "--retries", "0", "--out", "dead");
      expect(code).toBe(3);
      expect(stderr).toMatch(/E_HTTP .*status 500/);
      expect(resultOf("dead").status).toBe("partial");
      // A resumed run goes on as if nothing had happened.
      server.mischief = () => undefined;
      expect((await blindspot("assess", ...many(server), ...QUICK, "--out", "dead")).code).toBe(0);
      expect((await blindspot("assess", ...many(server), ...QUICK, "--out", "alive")).code).toBe(0);
      expect(samplesOf("dead")).toEqual(samplesOf("alive"));
    }));
});

describe("budgets", () => {
  it.concurrent("of queries are never exceeded, and the run goes on with a larger one", () =>
    withServer(async (server) => {
      const run = (...more: string[]) =>
        blindspot("assess", ...many(server), ...DATA, ...SMALL, "--out", "budget", ...more);
      const first = await run("--max-queries", "150");
      expect(server.rowsAsked()).toBeLessThanOrEqual(150);
      expect(first.stderr).toMatch(/The budget is spent after \d+ queries/);
      expect(resultOf("budget")).toMatchObject({ status: "partial", asked: { queries: server.rowsAsked() } });
      expect((await run("--max-queries", "100000")).code).toBe(0);
      const { status, asked } = resultOf("budget");
      expect(status).toBe("complete");
      expect(asked!.queries).toBe(server.rowsAsked());
      expect(asked!.remembered).toBeGreaterThan(0);
    }));
  const SMALL = ["--attacks", "square", "--queries", "100", "--samples", "6"];

  it.concurrent("of money too", () =>
    withServer(async (server) => {
      const money = ["--cost-per-query", "0.01", "--max-cost", "0.5"];
      const { code } = await blindspot("assess", ...many(server), ...QUICK, ...money, "--out", "money");
      expect(server.rowsAsked()).toBeLessThanOrEqual(50);
      expect(code).toBe(3);
      expect(resultOf("money").asked!.cost).toBeLessThanOrEqual(0.5);
    }));

  it.concurrent("a killed run is resumed without asking again what was answered", () =>
    withServer(async (server) => {
      const run = ["assess", ...many(server), ...DATA, "--attacks", "square", "--queries", "150", "--samples", "12"];
      expect((await blindspot(...run, "--out", "whole")).code).toBe(0);
      const whole = server.rowsAsked();
      const { child, ended } = start([...run, "--out", "killed"]);
      while (server.rowsAsked() < 1.5 * whole) await new Promise((resolve) => setTimeout(resolve, 2));
      child.kill("SIGKILL");
      expect((await ended).code).toBeNull();
      const before = server.rowsAsked();
      expect((await blindspot(...run, "--out", "killed")).code).toBe(0);
      expect(server.rowsAsked()).toBeGreaterThan(before);
      // Asked twice: the 16 probes, and at most four requests of 16 rows whose answers were on their way.
      expect(server.rowsAsked() - whole).toBeLessThanOrEqual(whole + 16 + 4 * 16);
      expect(samplesOf("killed")).toEqual(samplesOf("whole"));
    }));

  it.concurrent("--dry-run says what a run may cost, and asks nothing", () =>
    withServer(async (server) => {
      const money = ["--cost-per-query", "0.01", "--rate", "50", "--max-cost", "5"];
      const { code, stdout } = await blindspot("assess", ...many(server), ...QUICK, ...money, "--dry-run");
      expect(code).toBe(0);
      expect(server.asked.length).toBe(0);
      expect(stdout).toMatch(/At most [\d,]+ queries, which cost [\d,]+, about .*: 2,400 by attacks/);
      expect(stdout).toMatch(/The budget stops it at 500 queries/);
    }));
});

describe("secrets", () => {
  it.concurrent("reach the endpoint and nothing else", () =>
    withServer(async (server) => {
      const secrets = { TEST_TOKEN: "tell-nobody-1", TEST_KEY: "tell-nobody-2" };
      const auth = ["--bearer", "TEST_TOKEN", "--header", "x-key=TEST_KEY"];
      const { ended } = start(["assess", ...many(server), ...QUICK, ...auth, "--out", "auth"], secrets);
      const { code, stdout, stderr } = await ended;
      expect(code).toBe(0);
      expect(server.asked.every(({ headers }) => headers.authorization === "Bearer tell-nobody-1")).toBe(true);
      expect(server.asked.every(({ headers }) => headers["x-key"] === "tell-nobody-2")).toBe(true);
      const files = readdirSync(join(folder, "auth"), { recursive: true, withFileTypes: true }).filter((file) =>
        file.isFile(),
      );
      expect(files.map(({ name }) => name)).toContain("journal.jsonl");
      const written = files.map(({ path, name }) => readFileSync(join(path, name), "latin1"));
      for (const text of [...written, stdout, stderr]) expect(text).not.toMatch(/tell-nobody/);
    }));

  it.concurrent("are asked for by a name that must be set; permission is asked for before anything is sent", async () => {
    const remote = ["--model", "https://models.example/x", "--adapter", "json:many.json"];
    const first = await blindspot("assess", ...remote, ...QUICK);
    expect(first).toMatchObject({ code: 2, stdout: "" });
    expect(first.stderr).toMatch(/^E_AUTHORIZED --model https:\/\/models\.example: /);
    const second = await blindspot("assess", ...remote, ...QUICK, "--authorized", "x", "--bearer", "NO_SUCH_NAME");
    expect(second.stderr).toMatch(/^E_SECRET --bearer: /);
  });
});

describe("functions and programs", () => {
  it.concurrent("give what the file gives", async () => {
    const run = [
      ...DATA,
      "--profile",
      "score",
      "--attacks",
      "square",
      "--queries",
      "200",
      "--samples",
      "12",
      "--quiet",
    ];
    const models = { file: "model.onnx", function: "functions.mjs#scores", program: "cmd:node program.mjs" };
    const ended = await Promise.all(
      Object.entries(models).map(([out, model]) => blindspot("assess", "--model", model, ...run, "--out", out)),
    );
    expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ""],
      [0, ""],
      [0, ""],
    ]);
    const outcomes = Object.keys(models).map((out) => {
      const { threats, model } = resultOf(out);
      return { kind: model.kind, statuses: threats[0]!.statuses, curve: threats[0]!.curve };
    });
    const { statuses, curve } = outcomes[0]!;
    expect(statuses.fooled).toBeGreaterThan(0);
    expect(outcomes).toEqual([
      { kind: "onnx", statuses, curve },
      { kind: "function", statuses, curve },
      { kind: "command", statuses, curve },
    ]);
  });

  it.concurrent("are attacked by name, and inspected", async () => {
    const attack = await blindspot(
      "attack",
      "rays",
      "--model",
      "functions.mjs#labels",
      ...DATA,
      "--samples",
      "6",
      "--quiet",
    );
    expect(attack.stdout).toMatch(/rays \(label\) under linf:0\.1/);
    const inspect = await blindspot(
      "inspect",
      "functions.mjs#labels",
      ...DATA.slice(0, 2),
      "--classes",
      "left,right",
      "--json",
    );
    expect(JSON.parse(inspect.stdout)).toMatchObject({ kind: "function", answers: "label", asked: { queries: 16 } });
  });

  it.concurrent.each<[string, string, Given, RegExp]>([
    ["no such export", "functions.mjs#score", {}, /E_FUNCTION .*where EXPORT is a function, got exports .*labels/],
    ["no such module", "nothing.mjs#x", {}, /E_FUNCTION .*expected a module/],
    ["a function that throws", "functions.mjs#broken", {}, /E_FUNCTION functions\.mjs#broken: got no weights/],
    ["no such program", "cmd:no-such-program --x", {}, /E_COMMAND cmd:no-such-program --x: got .*ENOENT/],
    ["a program that ends", "cmd:node dying.mjs", { retries: 0 }, /exit code 3, after it said: no such model/],
    ["a program that is silent", "cmd:node silent.mjs", { retries: 0, timeout: 1 }, /E_TIMEOUT cmd:node/],
    ["a program that talks", "cmd:node chatty.mjs", {}, /E_ANSWER_JSON cmd:node/],
    ["a function with a header", "functions.mjs#scores", { bearer: "X" }, /E_OPTION --bearer: expected an endpoint/],
    ["a price limit without a price", "functions.mjs#scores", { maxCost: 1 }, /--cost-per-query too/],
  ])("%s", async (_, model, more, message) => {
    const file = (name: string) => name.replace(/\w+\.mjs/, (script) => join(folder, script));
    const given = { data: `npz:${join(folder, "data.npz")}`, classes: "left,right", layout: "nchw", ...more } as const;
    const sitting = { journal: null, folder: null, signal: new AbortController().signal, dryRun: false };
    await expect(openAttacked({ ...given, model: file(model) }, sitting)).rejects.toThrow(message);
  });

  it("commands that need the file say so", async () => {
    const { code, stderr } = await blindspot("gradient", "--model", "functions.mjs#scores", "--out", "x.onnx");
    expect(code).toBe(2);
    expect(stderr).toMatch(/E_MODEL_KIND .*a model that can only be asked.*--surrogate train:N/);
  });
});
