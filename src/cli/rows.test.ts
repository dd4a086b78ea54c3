import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Finding, resultSchema, sampleLineSchema } from "../assess/schema.ts";
import { Graph, Model, opBuilder } from "../graph/index.ts";
import type { RowSchemaFile } from "../inputs/index.ts";
import { operators } from "../ops/index.ts";
import { float32, int64Vector } from "../tensor/tensor.ts";
import { type Ended, runBuilt } from "./built.test.fixture.ts";
import { writeFiles } from "./halves.test.fixture.ts";

const LOANS = ["--model", "loans.onnx", "--data", "csv:loans.csv?label=decision", "--classes", "reject,accept"];
let folder: string;

const blindspot = (...args: string[]) => runBuilt(folder, args);

/** Accepts where income + 1,000 (a house) + 2 savings reaches 3,000. Inputs: income, savings, total, purpose (car, house). */
function loanModel(): Model {
  const graph = new Graph("loans");
  const op = opBuilder(graph, operators);
  const x = op.input("x", { dtype: "float32", shape: ["N", 5] });
  const points = op.MatMul(x, float32([5, 1], [1, 2, 0, 0, 1000]));
  const logits = op.Add(op.MatMul(points, float32([1, 2], [0, 0.01])), float32([2], [0, -29.995]));
  logits.name = "logits";
  op.output(logits);
  return new Model(graph, 17);
}

/** The same, column by column, as scikit-learn's converter writes a pipeline that was fitted on a table: integers, and the purpose as a text. */
function columnsModel(): Model {
  const graph = new Graph("loans");
  const op = opBuilder(graph, operators);
  const numbers = ["income", "savings", "total"].map((name) => op.input(name, { dtype: "int64", shape: ["N", 1] }));
  const purpose = op.input("purpose", { dtype: "string", shape: ["N", 1] });
  const [hot] = op.node("OneHotEncoder", [purpose], { cats_strings: ["car", "house"] }, 1, "ai.onnx.ml");
  const columns = op.Concat(
    op.Cast(op.Concat(...numbers, { axis: 1 }), { to: 1 }),
    op.Reshape(Object.assign(hot!, { dtype: "float32" }), int64Vector([-1, 2])),
    { axis: 1 },
  );
  const points = op.MatMul(columns, float32([5, 1], [1, 2, 0, 0, 1000]));
  const logits = op.Add(op.MatMul(points, float32([1, 2], [0, 0.01])), float32([2], [0, -29.995]));
  op.output(Object.assign(logits, { name: "logits" }));
  const model = new Model(graph, 17);
  model.opsets.set("ai.onnx.ml", 1);
  return model;
}

const ROWS = [
  "2400,200,2600,car,reject",
  "2950,0,2950,car,reject",
  "1000,100,1100,house,reject",
  "3500,200,3700,car,accept",
  "9000,900,9900,house,accept",
];
/** Four times each: five rows could be right by chance. */
const LINES = ["income,savings,total,purpose,decision", ...ROWS, ...ROWS, ...ROWS, ...ROWS];

const SCHEMA = {
  schema: "blindspot-rows/1",
  fields: [
    { name: "income", type: "number", min: 0, max: 10000, step: 50, change: "increase" },
    { name: "savings", type: "number", min: 0, max: 1000, step: 100, change: "none" },
    { name: "total", type: "number", min: 0, max: 11000, step: 50 },
    { name: "purpose", type: "category", values: ["car", "house"], encoding: "one-hot", change: "none" },
  ],
  relations: ["total == sum(income, savings)"],
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-rows-"));
  writeFiles(folder, { "loans.onnx": loanModel(), "columns.onnx": columnsModel(), "loans.csv": LINES.join("\n") });
  writeFileSync(join(folder, "schema.json"), JSON.stringify(SCHEMA));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const read = (name: string) => readFileSync(join(folder, name), "utf8");

describe("assess --schema", () => {
  let ended: Ended;
  beforeAll(async () => {
    ended = await blindspot(
      "assess",
      ...LOANS,
      "--schema",
      "schema.json",
      "--threat",
      "fields:1",
      "--threat",
      "fields:2",
      "--out",
      "run",
    );
  }, 60_000);

  it("breaks what a legal change can break, and proves the rest", () => {
    expect([ended.code, ended.stderr]).toEqual([0, expect.not.stringContaining("E_")]);
    const result = resultSchema.parse(JSON.parse(read("run/result.json")));
    const figures = result.threats.map(({ norm, epsilon, statuses, robustAccuracy }) => [
      norm,
      epsilon,
      statuses.fooled,
      robustAccuracy.bracket,
    ]);
    // One field alone breaks the total. With two, income and total: rejected rows can rise, accepted ones may not fall.
    expect(figures).toEqual([
      ["fields", 1, 0, { certified: 1, attacked: 1 }],
      ["fields", 2, 12, { certified: 0.4, attacked: 0.4 }],
    ]);
    expect(ended.stdout).toMatch(/proved +100\.0 % {2}20 of 20: every input that the threat allows was tried/);
    const lines = read("run/samples.jsonl")
      .trim()
      .split("\n")
      .map((line) => sampleLineSchema.parse(JSON.parse(line)));
    expect(lines).toHaveLength(40);
  });

  it("keeps the rows as they would be submitted, and tells the change in their terms", () => {
    const findings = read("run/findings.jsonl")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Finding);
    const first = findings.find(({ subject }) => subject.index === 0)!;
    expect(first.subject.modality).toBe("row");
    expect(first.perturbation.magnitude.fields).toBe(2);
    expect(JSON.parse(read(`run/${first.perturbation.blob!.original}`))).toEqual({
      income: 2400,
      purpose: "car",
      savings: 200,
      total: 2600,
    });
    // The smallest change, though gradients went to the end of the range.
    const adversarial = { income: 2600, purpose: "car", savings: 200, total: 2800 };
    expect(JSON.parse(read(`run/${first.perturbation.blob!.adversarial}`))).toEqual(adversarial);
    const html = read("run/report.html");
    expect(html).toContain("turn reject into accept");
    expect(html).toContain("--schema schema.json");
  });
});

it("attack tells a picked row's smallest change", async () => {
  const args = ["--schema", "schema.json", "--threat", "fields:2", "--samples", "index:0"];
  const { code, stdout } = await blindspot("attack", "row-exhaustive", ...LOANS, ...args, "--save", "saved");
  expect(code).toBe(0);
  expect(stdout).toContain("income 2,400 -> 2,600, total 2,600 -> 2,800 turn reject into accept");
  expect(stdout).toContain("adversarial.csv (1 rows) written to saved; read back, 1 of 1 still fool the model");
  const table = "income,savings,total,purpose,label\n2600,200,2800,car,reject\n";
  expect(read("saved/adversarial.csv")).toBe(table);
  expect(stdout).toContain("It may change at most 2 fields, to values that the schema allows");
}, 30_000);

describe("init", () => {
  it("writes a schema that assess takes, and never over an existing file", async () => {
    const first = await blindspot("init", "--data", "csv:loans.csv?label=decision", "--out", "first.json");
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const schema = JSON.parse(read("first.json")) as RowSchemaFile;
    expect(schema.fields.map(({ name, type }) => `${name} ${type}`)).toEqual([
      "income integer",
      "savings integer",
      "total integer",
      "purpose category",
    ]);
    const again = await blindspot("init", "--data", "csv:loans.csv?label=decision", "--out", "first.json");
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("E_FILE_EXISTS first.json")]);
  }, 30_000);

  it("copies an example whose commands work, and a config's threat is no filter of lists", async () => {
    const project = mkdtempSync(join(tmpdir(), "blindspot-init-"));
    try {
      const inProject = (...args: string[]) => runBuilt(project, args);
      const { code, stdout } = await inProject("init", "--example", "rows");
      expect([code, stdout]).toEqual([0, expect.stringContaining("Written: example/trees.onnx")]);
      const again = await inProject("init", "--example", "rows");
      expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("E_FILE_EXISTS example/trees.onnx")]);
      const [, printed] = /npx blindspot (assess .*)/.exec(stdout)!;
      const args = printed!.split(" ").map((word) => word.replaceAll("'", ""));
      expect((await inProject(...args, "--samples", "4", "--quiet")).code).toBe(0);
      const listed = await inProject("corpus", "ls");
      expect(listed.stdout).toMatch(/\n[1-9]\d* samples?\n$/);
    } finally {
      rmSync(project, { recursive: true, force: true });
    }
  }, 300_000);
});

it.each([
  ["no schema", ["--threat", "fields:2"], "E_CSV_NUMBER"],
  ["another threat", ["--schema", "schema.json", "--threat", "linf:0.1"], "E_THREAT_KIND"],
  [
    "an attack for pixels",
    ["--schema", "schema.json", "--threat", "fields:2", "--attacks", "pgd"],
    "E_ATTACK_UNSUITABLE",
  ],
  ["a range twice", ["--schema", "schema.json", "--threat", "fields:2", "--input-range", "0..9"], "E_OPTION_TWICE"],
  ["no such file", ["--schema", "nowhere.json", "--threat", "fields:2"], "E_SCHEMA_READ"],
  ["no JSON", ["--schema", "loans.csv", "--threat", "fields:2"], "E_SCHEMA_READ"],
])(
  "refuses %s with exit 2",
  async (_, args, code) => {
    const ended = await blindspot("assess", ...LOANS, ...args);
    expect([ended.code, ended.stderr]).toEqual([2, expect.stringContaining(code)]);
  },
  30_000,
);

describe("a model that takes its columns one by one", () => {
  const columns = LOANS.map((word) => (word === "loans.onnx" ? "columns.onnx" : word));
  const run = ["--schema", "schema.json", "--threat", "fields:2"];

  it("is attacked like the same model of rows: by gradients, with the same samples fallen and the same proved", async () => {
    const one = await blindspot("assess", ...LOANS, ...run, "--out", "rows-run");
    const other = await blindspot("assess", ...columns, ...run, "--out", "columns-run", "--corpus", "columns");
    expect([one.code, other.code, other.stderr]).toEqual([0, 0, expect.not.stringContaining("E_")]);
    const figures = (folderName: string) =>
      resultSchema
        .parse(JSON.parse(read(`${folderName}/result.json`)))
        .threats.map(({ robustAccuracy, profiles }) => [
          robustAccuracy,
          profiles.map(({ knowledge, attacks }) => [
            knowledge,
            attacks.map(({ name, succeeded }) => [name, succeeded]),
          ]),
        ]);
    expect(figures("columns-run")).toEqual(figures("rows-run"));
    expect(other.stdout).toContain("its 4 inputs are made of the fields of the schema");
    const gated = await blindspot(
      "gate",
      ...["--model", "columns.onnx", "--against", "loans.onnx", "--corpus", "columns", "--json"],
    );
    const { cases } = JSON.parse(gated.stdout) as { cases: { outcome: string }[] };
    expect([gated.code, new Set(cases.map(({ outcome }) => outcome))]).toEqual([0, new Set(["still-broken"])]);
    const inspected = await blindspot("inspect", "columns.onnx", "--schema", "schema.json");
    expect(inspected.stdout).toMatch(/gradients +yes/);
  }, 120_000);

  it("without a schema says what to give", async () => {
    const { code, stderr } = await blindspot("inspect", "columns.onnx");
    expect([code, stderr]).toEqual([0, ""]);
    const { stderr: refused } = await blindspot("assess", ...columns, "--threat", "linf:0.1");
    expect(refused).toContain("--schema");
  }, 30_000);
});

describe("rows in a corpus", () => {
  it("are stored, shrunk with the schema that the corpus keeps, and told by their fields", async () => {
    const found = await blindspot(
      "assess",
      ...LOANS,
      "--schema",
      "schema.json",
      "--threat",
      "fields:2",
      "--corpus",
      "kept",
    );
    expect(found.stdout).toMatch(/Corpus kept: [1-9]\d* new of/);
    const shrunk = await blindspot("minimize", "--all-new", "--model", "loans.onnx", "--corpus", "kept");
    expect([shrunk.code, shrunk.stdout]).toEqual([0, expect.stringMatching(/kept: [1-9]\d* samples? shrunk/)]);
    const [one] = JSON.parse((await blindspot("corpus", "ls", "--json", "--corpus", "kept")).stdout) as {
      id: string;
    }[];
    const { stdout } = await blindspot("corpus", "show", one!.id, "--corpus", "kept");
    expect(stdout).toMatch(/income = \d+, was \d+/);
    expect(stdout).toContain("subset-minimal");
    writeFileSync(join(folder, "row.json"), '{"savings":0,"income":100,"total":100,"purpose":"car"}');
    const added = await blindspot("corpus", "add", "--input", "row.json", "--label", "reject", "--corpus", "kept");
    expect(added.stdout).toContain("new sample");
    expect((await blindspot("corpus", "verify", "--corpus", "kept")).code).toBe(0);
  }, 180_000);
});
