import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GateResult, gateSchema, type ReplayResult, replaySchema } from "../regression/schema.ts";
import { writeNpy } from "../tensor/npy.ts";
import { float32 } from "../tensor/tensor.ts";
import { runBuilt } from "./built.test.fixture.ts";
import { halvesData, halvesModel, writeFiles } from "./halves.test.fixture.ts";

/** The gate for rows, texts, masked images, and models that can only be asked. */

/** Rows are income, savings, total, house; texts are texts. */
const FUNCTIONS = `
const loan = (points, at) => (rows) => rows.map((row) => {
  const p = 1 / (1 + Math.exp(-(points(row) - at) / 100));
  return [1 - p, p];
});
const points = ([income, savings, , house]) => income + 1000 * house + 2 * savings;
export const loans = loan(points, 3000);
// A little later: old inputs fail, those beside them work.
export const later = loan(points, 3050);
// Savings, which may not change, decide alone: nothing that the threat allows changes anything.
export const steady = loan(([, savings]) => savings, 150);
export const labels = (rows) => steady(rows).map(([no, yes]) => Number(yes > no));
const mail = (found) => (texts) => texts.map((text) => (found(text) ? [0.1, 0.9] : [0.8, 0.2]));
export const words = mail((text) => /free|prize/.test(text));
// Whatever is put between the letters.
export const letters = mail((text) => /f\\P{L}*r\\P{L}*e\\P{L}*e|p\\P{L}*r\\P{L}*i\\P{L}*z\\P{L}*e/u.test(text));
let asked = 0;
export const restless = (rows) => rows.map(() => (asked++ < 40 ? [0.9, 0.1] : [0.1, 0.9]));
`;
const SCHEMA = {
  schema: "blindspot-rows/1",
  fields: [
    { name: "income", type: "number", min: 0, max: 10000, step: 50, change: "increase" },
    { name: "savings", type: "number", min: 0, max: 1000, step: 100, change: "none" },
    { name: "total", type: "number", min: 0, max: 11000, step: 50 },
    { name: "house", type: "boolean", change: "none" },
  ],
  relations: ["total == sum(income, savings)"],
};
const LOANS = [
  "income,savings,total,house,decision",
  "2400,100,2500,0,reject",
  "2950,0,2950,0,reject",
  "1500,100,1600,1,reject",
  "3500,200,3700,0,accept",
];
const MAIL = ["spam\tget your free gift", "spam\ta prize for you", "ham\tsee you at eight"];

let folder: string;
const blindspot = (...args: string[]) => runBuilt(folder, [...args, "--quiet"], { ...process.env, CI: "" });

async function gate(
  model: string,
  against: string,
  corpus: string,
  ...more: string[]
): Promise<{ code: number; result: GateResult }> {
  const args = ["gate", "--model", model, "--against", against, "--corpus", corpus, "--json", ...more];
  const { code, stdout, stderr } = await blindspot(...args);
  if (stdout === "") throw new Error(stderr);
  return { code, result: gateSchema.parse(JSON.parse(stdout)) };
}

const tally = ({ counts }: GateResult) =>
  Object.fromEntries(counts.filter(({ cases }) => cases > 0).map(({ outcome, cases }) => [outcome, cases]));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-gate-kinds-"));
  writeFiles(folder, { "m.mjs": FUNCTIONS, "loans.csv": LOANS.join("\n"), "mail.tsv": MAIL.join("\n") });
  writeFileSync(join(folder, "schema.json"), JSON.stringify(SCHEMA));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("rows, of models that can only be asked", () => {
  beforeAll(async () => {
    const data = ["--data", "csv:loans.csv?label=decision", "--classes", "reject,accept", "--schema", "schema.json"];
    const run = ["--threat", "fields:2", "--attacks", "row-exhaustive", "--corpus", "rows"];
    const { code, stderr } = await blindspot("assess", "--model", "m.mjs#loans", ...data, ...run);
    if (code !== 0) throw new Error(stderr);
  }, 180_000);

  it("move where the boundary moved, and are proved where all was tried", async () => {
    const later = await gate("m.mjs#later", "m.mjs#loans", "rows");
    expect(tally(later.result)).toEqual({ moved: 3 });
    for (const { changes, attacked } of later.result.cases)
      expect([changes, attacked!.changes].map((list) => list!.map(({ what }) => what).sort())).toEqual([
        ["income", "total"],
        ["income", "total"],
      ]);
    const { asked, gradient } = later.result.candidate;
    expect([gradient, asked!.queries]).toEqual([false, expect.any(Number)]);
    expect(asked!.queries).toBeGreaterThan(later.result.cost.queries);
    const steady = await gate("m.mjs#steady", "m.mjs#loans", "rows", "--attacks", "row-exhaustive");
    // Three as they were found, and what fooled the later one.
    expect(tally(steady.result)).toEqual({ "fixed-proved": steady.result.corpus.samples });
    expect(steady.code).toBe(0);
    // Labels alone, and an attack that does not come to an end.
    const labels = await gate("m.mjs#labels", "m.mjs#loans", "rows", "--attacks", "row-random", "--queries", "20");
    expect(tally(labels.result)).toEqual({ "not-rebroken": labels.result.corpus.samples });
    const back = await gate("m.mjs#loans", "m.mjs#steady", "rows", "--attacks", "row-exhaustive");
    expect([back.code, tally(back.result)]).toEqual([1, { "newly-broken": back.result.corpus.samples }]);
  }, 180_000);

  it("are asked anew each time, and end with exit code 3 where the budget or the model does not hold", async () => {
    const first = await blindspot("replay", "--model", "m.mjs#loans", "--corpus", "rows", "--json");
    const result: ReplayResult = replaySchema.parse(JSON.parse(first.stdout));
    expect(result.cost).toMatchObject({ replayed: result.cases.length, remembered: 0 });
    const poor = await blindspot("replay", "--model", "m.mjs#loans", "--corpus", "rows", "--max-queries", "20");
    expect([poor.code, poor.stdout]).toEqual([3, expect.stringContaining("the budget of queries is spent")]);
    const restless = await blindspot(
      "gate",
      "--model",
      "m.mjs#restless",
      "--against",
      "m.mjs#loans",
      "--corpus",
      "rows",
    );
    expect([restless.code, restless.stderr]).toEqual([3, expect.stringContaining("E_TARGET_CHANGED m.mjs#restless")]);
  }, 180_000);

  it("are incomparable under another schema", async () => {
    const fields = SCHEMA.fields.map((field) => (field.name === "income" ? { ...field, max: 20000 } : field));
    writeFileSync(join(folder, "other.json"), JSON.stringify({ ...SCHEMA, fields }));
    const { code, result } = await gate("m.mjs#later", "m.mjs#loans", "rows", "--schema", "other.json");
    expect([code, tally(result)]).toEqual([3, { incomparable: result.corpus.samples }]);
  }, 180_000);
});

describe("texts", () => {
  it("of functions: moved beside old edits, or not re-broken by queries", async () => {
    const data = ["--data", "tsv:mail.tsv?header=no&label=0&text=1", "--classes", "ham,spam", "--corpus", "mail"];
    const run = ["--threat", "text:invisible=1", "--attacks", "text-greedy"];
    await blindspot("assess", "--model", "m.mjs#words", ...data, ...run);
    const { code, result } = await gate("m.mjs#letters", "m.mjs#words", "mail");
    expect([code, tally(result)]).toEqual([0, { "fixed-proved": 2 }]);
    const back = await gate("m.mjs#words", "m.mjs#letters", "mail");
    expect([back.code, tally(back.result)]).toEqual([1, { "newly-broken": 2 }]);
  }, 180_000);

  it("of a file with its tokenizer beside it", async () => {
    const spam = fileURLToPath(new URL("../../examples/spam/spam.onnx", import.meta.url));
    writeFileSync(
      join(folder, "one.tsv"),
      "ham\tok see you there at 8\nspam\tFREE entry! Call 0800 123 456 to claim your prize",
    );
    const data = ["--data", "tsv:one.tsv?header=no&label=0&text=1&quote=none", "--classes", "ham,spam"];
    const run = ["--threat", "text:characters=8", "--attacks", "text-greedy", "--corpus", "filter"];
    await blindspot("assess", "--model", spam, ...data, ...run);
    const { stdout } = await blindspot("replay", "--model", spam, "--corpus", "filter", "--json");
    const { counts } = replaySchema.parse(JSON.parse(stdout));
    expect(counts.yields).toBeGreaterThan(0);
    expect(counts.yields + counts["yields-other"]).toBe(Object.values(counts).reduce((sum, count) => sum + count, 0));
  }, 180_000);
});

describe("images behind a mask", () => {
  const left = float32(
    [4, 4],
    Array.from({ length: 16 }, (_, i) => Number(i % 4 < 2)),
  );

  it("need their own mask, and are attacked again behind it alone", async () => {
    // What is left of the middle alone decides, then what is right of it.
    const half = (side: number) =>
      halvesModel((op, logits, x) => {
        void logits;
        const weights = Array.from({ length: 16 }, (_, i) => (i % 4 < 2 === (side === 0) ? (side === 0 ? 1 : -1) : 0));
        const columns = weights.flatMap((weight) => [weight, -weight]);
        const sums = op.MatMul(op.Flatten(x), { dtype: "float32", dims: [16, 2], data: Float32Array.from(columns) });
        return op.Add(sums, { dtype: "float32", dims: [2], data: Float32Array.from(side === 0 ? [-4, 4] : [4, -4]) });
      });
    writeFiles(folder, { "left.onnx": half(0), "right.onnx": half(1), "data.npz": halvesData(20) });
    writeFileSync(join(folder, "mask.npy"), writeNpy(left));
    writeFileSync(join(folder, "all.npy"), writeNpy(float32([4, 4], new Array(16).fill(1))));
    const data = ["--data", "npz:data.npz", "--samples", "all", "--threat", "linf:0.2", "--mask", "mask.npy"];
    await blindspot("assess", "--model", "left.onnx", ...data, "--attacks", "pgd", "--corpus", "masked");
    const effort = ["--attacks", "apgd-margin", "--profile", "white-box"];
    const without = await gate("right.onnx", "left.onnx", "masked", ...effort);
    expect([without.code, Object.keys(tally(without.result))]).toEqual([3, ["not-evaluated"]]);
    expect(without.result.cases[0]!.candidate.detail).toContain("--mask FILE");
    const other = await gate("right.onnx", "left.onnx", "masked", ...effort, "--mask", "all.npy");
    expect(other.result.cases[0]!.candidate.detail).toContain("E_THREAT_MASK");
    // The right half can't be changed: of a model that looks there everything is fixed.
    const { code, result } = await gate("right.onnx", "left.onnx", "masked", ...effort, "--mask", "mask.npy");
    expect([code, tally(result)]).toEqual([0, { fixed: result.corpus.samples }]);
    expect(result.corpus.samples).toBeGreaterThan(10);
  }, 180_000);
});
