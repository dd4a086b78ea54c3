import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { assess } from "../../assess/assess.ts";
import { halvesData, halvesModel } from "../../cli/halves.test.fixture.ts";
import { openJournal } from "../../cli/models/journal-file.ts";
import { rowForms } from "../../cli/models/row-forms.ts";
import { type Dataset, openDataset } from "../../data/index.ts";
import { writeModel } from "../../graph/index.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import { writeNpz } from "../../tensor/npz.ts";
import { float32 } from "../../tensor/tensor.ts";
import { arrange } from "../arrangement.ts";
import { loadClassifier } from "../load-classifier.ts";
import { functionTransport } from "./function-transport.ts";
import { type Journal, memoryJournal, noJournal } from "./journal.ts";
import { jsonTransport, PLAIN_ROWS, parseTemplate } from "./json-template.ts";
import { inferenceTransport, readMetadata } from "./open-inference.ts";
import { type Asking, openQueried, type QueriedOptions } from "./queried-classifier.ts";
import { halvesLogits, type Reaction, startServer, type TestServer } from "./server.test.fixture.ts";
import type { Transport } from "./transport.ts";

const PLAIN: Asking = { timeoutMs: 2000, retries: 3, rate: Infinity, concurrency: 2, requestRows: 8 };
const PREPROCESSING = { units: { kind: "scale", low: [0], high: [1] }, reverseChannels: false } as const;
const rows = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => new Float32Array(16).map((_, j) => ((i + from) * 16 + j) / 1000));
const packed = (list: readonly Float32Array[]) => ({
  data: Float32Array.from(list.flatMap((row) => [...row])),
  count: list.length,
});

const DATA_OF_IMAGES = { modality: "image", dims: [4, 4, 1] } as unknown as Dataset;
const folder = mkdtempSync(join(tmpdir(), "blindspot-queried-"));
let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.close());
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const target = (path: string) => ({ url: `${server.url}${path}`, headers: {} });
const many = (): Transport => {
  const template = { request: { instances: "$inputs" }, scores: "$.predictions[*].scores" };
  return jsonTransport(target("/many"), parseTemplate(template, "many.json", PLAIN_ROWS), PLAIN_ROWS);
};

function open(transport: Transport, asking: Partial<Asking> = {}, others: Partial<QueriedOptions> = {}) {
  return openQueried({
    transport,
    journal: memoryJournal(),
    arrangement: arrange("input", ["", 1, 4, 4], { dims: [4, 4, 1] }),
    preprocessing: PREPROCESSING,
    classes: ["left", "right"],
    asking: { ...PLAIN, ...asking },
    probes: rows(4, 900),
    ...others,
  });
}

describe("adapters", () => {
  it("speaks the Open Inference Protocol", async () => {
    const metadata = await readMetadata(target("/v2/models/halves"), undefined, new AbortController().signal);
    const model = await open(inferenceTransport(target("/v2/models/halves"), metadata));
    expect(Array.from(await model.scores(packed(rows(3))))).toEqual(rows(3).flatMap(halvesLogits).map(Math.fround));
    expect(server.asked[0]!.path).toBe("/v2/models/halves/infer");
  });

  it.each([
    ["several rows", "/many", { request: { instances: "$inputs" }, scores: "$.predictions[*].scores" }, 8],
    ["one row, scores by name", "/one", { request: { x: "$input" }, scores: "$.result.scores" }, 1],
  ])("speaks custom JSON: %s", async (_, path, template, requestRows) => {
    const model = await open(jsonTransport(target(path), parseTemplate(template, "t", PLAIN_ROWS), PLAIN_ROWS), {
      requestRows,
    });
    expect(Array.from(await model.verify(rows(1)[0]!))).toEqual(halvesLogits(rows(1)[0]!).map(Math.fround));
  });

  it.each([
    ["plain base64", "$image"],
    ["data URIs", "data:image/png;base64,$image"],
  ])("sends images as %s, each pixel as it is", async (_, text) => {
    const forms = rowForms({ ...DATA_OF_IMAGES, quantize: "uint8" });
    const template = parseTemplate(
      { request: { instances: { $each: { b64: text } } }, scores: "$.predictions[*].scores" },
      "t",
      forms,
    );
    const model = await open(jsonTransport(target("/images"), template, forms));
    const points = rows(5).map((row) => row.map((value) => Math.round(255 * value) / 255));
    const scores = await model.scores(packed(points));
    expect(server.asked.at(-1)!.rows.map((row) => Float32Array.from(row))).toEqual(points);
    expect(Array.from(scores)).toEqual(server.asked.at(-1)!.rows.flatMap(halvesLogits).map(Math.fround));
  });

  it("takes labels alone as a capability", async () => {
    const template = parseTemplate({ request: { x: "$input" }, label: "$.result.label" }, "t", PLAIN_ROWS);
    const model = await open(jsonTransport(target("/label"), template, PLAIN_ROWS), { requestRows: 1 });
    expect(model.capabilities).toEqual({ output: "label", gradient: false });
    expect([...(await model.verify(rows(1)[0]!))]).toEqual([0, 1]);
  });

  it("sends rows by the names of their fields", async () => {
    const forms = { ...PLAIN_ROWS, record: (point: Float32Array) => ({ age: 100 * point[0]! }) };
    const template = parseTemplate({ request: { inputs: "$records" }, label: "$" }, "t", forms);
    server.mischief = () => ({ body: "[0,1]" });
    const points = [Float32Array.of(0.5), Float32Array.of(1)];
    const transport = jsonTransport(target("/records"), template, forms);
    const answer = await transport.ask({ rows: points, points, shape: [1] }, new AbortController().signal);
    expect(server.asked[0]!.body).toEqual({ inputs: [{ age: 50 }, { age: 100 }] });
    expect(answer).toEqual({ labels: [0, 1] });
  });
});

/** Every way to ask a server, with what it answers where it answers wrongly. */
const SPEAKERS = [
  {
    protocol: "custom JSON",
    connect: async () => many(),
    answer: (scores: unknown[]) => ({ predictions: scores.map((row) => ({ scores: row })) }),
  },
  {
    protocol: "Open Inference Protocol",
    connect: async () => {
      const model = target("/v2/models/halves");
      return inferenceTransport(model, await readMetadata(model, undefined, new AbortController().signal));
    },
    answer: (scores: unknown[][]) => ({
      outputs: [{ name: "logits", datatype: "FP32", shape: [scores.length, scores[0]!.length], data: scores.flat() }],
    }),
  },
] as const;
/** Every third request fails: no two attempts at one do. */
const sometimes =
  (reaction: Reaction): TestServer["mischief"] =>
  (n) =>
    n % 3 === 1 ? reaction : undefined;

describe.each(SPEAKERS)("a server that fails, by $protocol", ({ connect, answer }) => {
  it.each<[string, TestServer["mischief"]]>([
    ["429 with Retry-After", sometimes({ status: 429, headers: { "retry-after": "0.05" } })],
    ["429 without", sometimes({ status: 429 })],
    ["408", sometimes({ status: 408 })],
    ["500", sometimes({ status: 500, body: "<html>down</html>" })],
    ["503", sometimes({ status: 503, body: "[" })],
    ["lost connections", sometimes("cut")],
    ["JSON cut short", sometimes({ body: '{"predictions":[' })],
    ["no answer at all", (n) => (n === 2 ? "hang" : undefined)],
    ["a body without end", (n) => (n === 2 ? "drip" : undefined)],
    ["late answers", sometimes({ afterMs: 60 })],
  ])("%s: every answer is right, every row counted", async (name, mischief) => {
    server.mischief = mischief;
    // Only what never comes is not waited for: a busy machine is slow too.
    const never = name === "no answer at all" || name === "a body without end";
    const model = await open(await connect(), { timeoutMs: never ? 500 : 10_000 });
    const list = rows(40);
    const scores = await Promise.all(
      Array.from({ length: 5 }, (_, i) => model.scores(packed(list.slice(8 * i, 8 * i + 8)))),
    );
    expect(scores.flatMap((part) => [...part])).toEqual(list.flatMap(halvesLogits).map(Math.fround));
    expect(model.asked.queries).toBe(server.rowsAsked());
    expect(model.asked.retries > 0).toBe(name !== "late answers");
  });

  it.each<[string, Reaction, RegExp]>([
    [
      "a redirect",
      { status: 302, headers: { location: "https://elsewhere.example/x?token=1" } },
      /E_HTTP_REDIRECT.*a redirect \(302\) to https:\/\/elsewhere\.example\/x\. /,
    ],
    ["HTML", { headers: { "content-type": "text/html" }, body: "<html>" }, /E_ANSWER_JSON.*6 characters of text\/html/],
    ["no permission", { status: 401, body: '{"error":"who are you"}' }, /status 401 \(who are you\).*--bearer/],
    ["another address", { status: 404 }, /status 404\. Look at the path/],
    ["too few rows", { body: JSON.stringify(answer([[1, 2]])) }, /expected answers for 2 rows, got 1/],
    [
      "too many rows",
      {
        body: JSON.stringify(
          answer([
            [1, 2],
            [1, 2],
            [1, 2],
          ]),
        ),
      },
      /expected answers for 2 rows, got 3/,
    ],
    [
      "no numbers",
      {
        body: JSON.stringify(
          answer([
            [null, 1],
            [null, 2],
          ]),
        ),
      },
      /E_ANSWER .*row 0; row 1: got nothing among/,
    ],
    [
      "texts",
      {
        body: JSON.stringify(
          answer([
            ["1", "2"],
            ["1", "2"],
          ]),
        ),
      },
      /E_ANSWER .*got a string among the scores/,
    ],
    [
      "NaN",
      {
        body: JSON.stringify(
          answer([
            [7, 1],
            [7, 2],
          ]),
        ).replaceAll("7", "NaN"),
      },
      /E_ANSWER_JSON.*NaN among the numbers/,
    ],
    ["nothing at the path", { body: '{"somewhere":[]}' }, /E_ANSWER .*got (nothing|no such output)/],
    ["an endless answer", { body: `[${"1,".repeat(9e6)}1]` }, /E_ANSWER_SIZE/],
    ["errors without end", { status: 503 }, /status 503, 2 times/],
    ["a pause of an hour", { status: 429, headers: { "retry-after": "3600" } }, /status 429\. Ask more slowly/],
  ])("%s is an error that names it", async (_, reaction, message) => {
    const transport = await connect();
    server.mischief = () => reaction;
    await expect(open(transport, { retries: 1, timeoutMs: 30_000 })).rejects.toThrow(message);
  });
});

describe("a server that fails", () => {
  it("by a tensor whose shape is not that of its data is an error that names it", async () => {
    const transport = await SPEAKERS[1].connect();
    const output = { name: "logits", datatype: "FP32", shape: [2, 3], data: [1, 2, 3, 4] };
    server.mischief = () => ({ body: JSON.stringify({ outputs: [output] }) });
    await expect(open(transport)).rejects.toThrow(/E_ANSWER .*got shape \[2,3\] and 4 values/);
  });

  it("says nothing of a secret that a server repeats", async () => {
    server.mischief = (_, { headers }) => ({ status: 403, body: JSON.stringify({ error: `bad ${headers["x-key"]}` }) });
    const template = parseTemplate({ request: { instances: "$inputs" }, scores: "$" }, "t", PLAIN_ROWS);
    const transport = jsonTransport(
      { url: `${server.url}/many`, headers: { "x-key": "hunter22" } },
      template,
      PLAIN_ROWS,
    );
    await expect(open(transport)).rejects.toThrow(/status 403 \(bad \*\*\*\)/);
  });

  it("ends the run when the target is gone, and later rows at once", async () => {
    const model = await open(many(), { retries: 0 });
    server.mischief = () => ({ status: 500 });
    await expect(model.scores(packed(rows(2)))).rejects.toThrow(/status 500/);
    expect(model.ended.aborted).toBe(true);
    const asked = server.asked.length;
    await expect(model.scores(packed(rows(2, 50)))).rejects.toThrow(/status 500/);
    expect(server.asked.length).toBe(asked);
  });

  it("catches a target that turns from scores to something else", async () => {
    server.classify = () => [0.5, 0.5];
    const model = await open(many());
    server.classify = () => [4, 2];
    await expect(model.scores(packed(rows(1)))).rejects.toThrow(/E_ANSWER_FORM.*outside 0\.\.1/);
  });
});

describe("what is asked", () => {
  it("asks each row once, alone once more, and afresh when that is the question", async () => {
    const model = await open(many());
    const probes = server.rowsAsked();
    const list = rows(4);
    await Promise.all([model.scores(packed([...list, list[0]!])), model.scores(packed(list.slice(0, 2)))]);
    await model.scores(packed(list));
    expect(server.rowsAsked() - probes).toBe(4);
    await Promise.all([model.verify(list[0]!), model.verify(list[0]!)]);
    expect(server.rowsAsked() - probes).toBe(5);
    expect(server.asked.at(-1)!.rows.length).toBe(1);
    await model.scores({ ...packed(list), fresh: true });
    expect(server.rowsAsked() - probes).toBe(9);
  });

  it("never exceeds its budget, keeps some for the last probes, and says what it cost", async () => {
    const model = await open(many(), { maxQueries: 30, costPerQuery: 0.5 });
    const results = await Promise.allSettled(
      Array.from({ length: 10 }, (_, i) => model.scores(packed(rows(3, 10 * i)))),
    );
    // 4 probes before, 4 kept for the end: 22 are left, seven times 3.
    expect(results.filter(({ status }) => status === "fulfilled").length).toBe(7);
    expect(await model.drift()).toEqual({ differing: 0, of: 4 });
    expect(server.rowsAsked()).toBe(29);
    expect(model.asked).toMatchObject({ queries: 29, cost: 14.5 });
  });

  it("keeps to its rate", async () => {
    const model = await open(many(), { rate: 200, concurrency: 4 });
    const started = performance.now();
    await Promise.all(Array.from({ length: 8 }, (_, i) => model.scores(packed(rows(8, 10 * i)))));
    // 64 rows after 4 probes; 50 ms may be caught up.
    expect(performance.now() - started).toBeGreaterThanOrEqual((1000 * 64) / 200 - 50 - (1000 * 8) / 200);
  });

  it("stops when it is told to, without waiting for a turn", async () => {
    const stop = new AbortController();
    const model = await open(many(), { rate: 5 }, { signal: stop.signal, probes: rows(1) });
    const waiting = model.scores(packed(rows(8)));
    const late = model.scores(packed(rows(8, 20)));
    setTimeout(() => stop.abort(), 30);
    await expect(Promise.all([waiting, late])).rejects.toThrow(/E_STOPPED/);
    await expect(model.drift()).rejects.toThrow(/E_STOPPED/);
  });

  it("notices a target that changes", async () => {
    const model = await open(many());
    server.classify = (row) => halvesLogits(row).reverse();
    expect(await model.drift()).toEqual({ differing: 4, of: 4 });
  });

  it("refuses labels where scores are wanted, and forgets scores where labels are", async () => {
    const label = await open(many(), {}, { answers: "label" });
    expect([...(await label.scores(packed(rows(1))))]).toEqual([0, 1]);
    expect(label.capabilities.output).toBe("label");
    const transport = functionTransport((batch) => batch.map(() => 0), "f");
    await expect(open(transport, {}, { answers: "scores" })).rejects.toThrow(/expected scores .*got labels/);
    await expect(open(transport, {}, { classes: null })).rejects.toThrow(/E_CLASSES.*labels only/);
    await expect(open(many(), {}, { classes: ["a", "b", "c"] })).rejects.toThrow(/2 class names, one per score, got 3/);
  });
});

describe("the journal", () => {
  const reopen = (file: string) => openJournal(join(folder, file), "target");

  it("answers what was paid for, after a crash in the middle of a line", async () => {
    const first = await open(many(), {}, { journal: reopen("a.jsonl") });
    await first.scores(packed(rows(20)));
    await first.verify(rows(1)[0]!);
    const before = server.rowsAsked();
    await first.close();
    writeFileSync(join(folder, "a.jsonl"), '{"answers":{"half', { flag: "a" });
    const second = await open(many(), {}, { journal: reopen("a.jsonl") });
    expect(second.fingerprint).toBe(first.fingerprint);
    const scores = await second.scores(packed(rows(21)));
    expect(Array.from(scores)).toEqual(rows(21).flatMap(halvesLogits).map(Math.fround));
    await second.verify(rows(1)[0]!);
    // The probes, which must be asked again, and the one row that is new.
    expect(server.rowsAsked() - before).toBe(4 + 1);
    expect(second.asked.queries).toBe(server.rowsAsked());
  });

  it("holds budgets over sittings", async () => {
    const first = await open(many(), { maxQueries: 30 }, { journal: reopen("b.jsonl") });
    await first.scores(packed(rows(8)));
    await first.close();
    const second = await open(many(), { maxQueries: 30 }, { journal: reopen("b.jsonl") });
    await second.scores(packed(rows(8, 20)));
    await expect(second.scores(packed(rows(8, 40)))).rejects.toThrow(/E_BUDGET/);
    expect(server.rowsAsked()).toBe(24);
  });

  it("refuses another target, and one that has changed since", async () => {
    await (await open(many(), {}, { journal: reopen("c.jsonl") })).close();
    expect(() => openJournal(join(folder, "c.jsonl"), "other")).toThrow(/E_JOURNAL.*another model/);
    server.classify = (row) => halvesLogits(row).map((z) => z + 1);
    await expect(open(many(), {}, { journal: reopen("c.jsonl") })).rejects.toThrow(
      /E_TARGET_CHANGED.*4 of 4 probes than when this run was begun/,
    );
  });

  it("refuses a damaged file with its line", () => {
    writeFileSync(
      join(folder, "d.jsonl"),
      '{"schema":"blindspot-journal/1","target":"target"}\n{"answers":{"k":["x"]}}\n',
    );
    expect(() => reopen("d.jsonl")).toThrow(/E_JOURNAL .*d\.jsonl, line 2/);
    writeFileSync(join(folder, "e.jsonl"), "some other file\n");
    expect(() => reopen("e.jsonl")).toThrow(/E_JOURNAL .*e\.jsonl, line 1/);
  });

  it("holds no inputs", async () => {
    const journal: Journal = reopen("f.jsonl");
    const model = await open(many(), {}, { journal });
    await model.scores(packed([new Float32Array(16).fill(0.123456)]));
    expect(readFileSync(join(folder, "f.jsonl"), "utf8")).not.toMatch(/0\.12345/);
  });
});

describe("a function around an ONNX file", () => {
  it("gives the same attacks the same outcomes as the file itself", async () => {
    const bytes = writeModel(halvesModel());
    writeFileSync(join(folder, "data.npz"), writeNpz(halvesData()));
    const data = await openDataset(`npz:${join(folder, "data.npz")}`);
    const runtime = await nodeRuntime();
    try {
      const session = await runtime.load(bytes, { label: "halves" });
      const predict = async (batch: readonly Float32Array[]) => {
        const all = Float32Array.from(batch.flatMap((row) => [...row]));
        const { logits } = await session.run({ x: float32([batch.length, 1, 4, 4], all) });
        return batch.map((_, i) => (logits!.data as Float32Array).slice(2 * i, 2 * i + 2));
      };
      const asked = await open(functionTransport(predict, "halves"), { requestRows: 64 }, { journal: noJournal() });
      const file = await loadClassifier(bytes, { runtime, dims: data.dims, classes: ["left", "right"] });
      const plan = {
        data,
        threats: ["linf:0.1"],
        samples: 20,
        profiles: ["score", "label"],
        checks: false,
        seed: 3,
      } as const;
      const [one, other] = [
        await assess({ ...plan, model: asked, attacks: ["square", "rays"], overrides: { queries: 300 } }),
        await assess({ ...plan, model: file, attacks: ["square", "rays"], overrides: { queries: 300 } }),
      ];
      const timeless = (lines: typeof one.samples) =>
        JSON.parse(JSON.stringify(lines, (key, value) => (key === "seconds" ? undefined : value)));
      expect(timeless(one.samples)).toEqual(timeless(other.samples));
      expect(one.result.threats[0]!.statuses.fooled).toBeGreaterThan(0);
    } finally {
      await runtime.close();
    }
  });
});
