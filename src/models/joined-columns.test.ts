import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { type AttributeInput, type OpBuilder, opBuilder } from "../graph/builder.ts";
import { writeModel } from "../graph/index.ts";
import { Graph, Model, type Value } from "../graph/ir.ts";
import { RowSpace } from "../inputs/row/row-space.ts";
import { readRowSchema } from "../inputs/row/schema.ts";
import { codeFromDtype } from "../onnx/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { runDirectly } from "../runtime/node-direct.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type DType, float32, int64Vector, type Tensor, tensor } from "../tensor/tensor.ts";
import { loadClassifier } from "./load-classifier.ts";

const FIELDS = [
  { name: "income", type: "integer", min: 0, max: 100 },
  { name: "rate", type: "number", min: -1, max: 1, step: 0.125 },
  { name: "vip", type: "boolean" },
  { name: "purpose", type: "category", values: ["car", "house", "tv"], encoding: "one-hot" },
  { name: "grade", type: "category", values: ["A", "B"], codes: [7, 3] },
];
const spaceOf = (fields: readonly unknown[]) =>
  new RowSpace(readRowSchema({ schema: "blindspot-rows/1", fields }, "schema"));
const ROWS = spaceOf(FIELDS);
const TYPES: Readonly<Record<string, DType>> = {
  income: "int64",
  rate: "float64",
  vip: "bool",
  purpose: "string",
  grade: "string",
};

/** What scikit-learn's converter makes of a ColumnTransformer: a table column by column, texts among them. */
function pipeline(end: (op: OpBuilder, columns: Value) => Value, shape: (number | string)[] = ["N", 1]): Uint8Array {
  const graph = new Graph("pipeline");
  const op = opBuilder(graph, { get: () => undefined });
  const inputs = Object.entries(TYPES).map(([name, dtype]) => op.input(name, { dtype, shape }));
  const [income, rate, vip, purpose, grade] = inputs as [Value, Value, Value, Value, Value];
  const float = { to: codeFromDtype("float32") };
  const numbers = op.Concat(income, op.Cast(op.Cast(vip, float), { to: codeFromDtype("int64") }), { axis: 1 });
  const encoded = (value: Value, names: readonly string[]): Value => {
    const attributes: Record<string, AttributeInput> = { cats_strings: [...names], zeros: 1 };
    const [hot] = op.node("OneHotEncoder", [value], attributes, 1, "ai.onnx.ml");
    return op.Reshape(hot!, int64Vector([-1, names.length]));
  };
  const scaler: Record<string, AttributeInput> = {
    offset: { type: "floats", value: [50, 0.5] },
    scale: { type: "floats", value: [0.03, 2] },
  };
  const [scaled] = op.node("Scaler", [numbers], scaler, 1, "ai.onnx.ml");
  // One name that the schema does not have, and one of its own that the encoder does not know.
  const hot = [encoded(purpose, ["tv", "boat", "car"]), encoded(grade, ["B", "A"])];
  const scores = end(op, op.Concat(scaled!, op.Cast(rate, float), ...hot, { axis: 1 }));
  op.output(Object.assign(scores, { name: "scores", dtype: "float32", shape: ["N", 2] }));
  const model = new Model(graph, 18);
  model.opsets.set("ai.onnx.ml", 1);
  return writeModel(model);
}

const linear = (op: OpBuilder, columns: Value) => {
  const rng = Rng.of(2);
  return op.MatMul(
    columns,
    float32(
      [8, 2],
      Array.from({ length: 16 }, () => rng.normal()),
    ),
  );
};
/** A tree that looks at the income, then at another column. */
const trees = (column: number) => (op: OpBuilder, columns: Value) => {
  const ints = (...value: number[]): AttributeInput => ({ type: "ints", value });
  const floats = (...value: number[]): AttributeInput => ({ type: "floats", value });
  const attributes: Record<string, AttributeInput> = {
    nodes_treeids: ints(0, 0, 0, 0, 0),
    nodes_nodeids: ints(0, 1, 2, 3, 4),
    nodes_featureids: ints(0, column, 0, 0, 0),
    nodes_values: floats(0.29, 0.5, 0, 0, 0),
    nodes_modes: ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF"],
    nodes_truenodeids: ints(1, 3, 0, 0, 0),
    nodes_falsenodeids: ints(2, 4, 0, 0, 0),
    class_treeids: ints(0, 0, 0, 0, 0, 0),
    class_nodeids: ints(2, 2, 3, 3, 4, 4),
    class_ids: ints(0, 1, 0, 1, 0, 1),
    class_weights: floats(0.9, 0.1, 0.2, 0.8, 0.6, 0.4),
    classlabels_int64s: ints(0, 1),
    post_transform: "NONE",
  };
  return op.node("TreeEnsembleClassifier", [columns], attributes, 2, "ai.onnx.ml")[1]!;
};

/** The same row as the file takes it. */
function feeds(levels: Int32Array, dims: number[]): Record<string, Tensor> {
  const values = ROWS.values(levels);
  return Object.fromEntries(
    Object.entries(TYPES).map(([name, dtype], i) => {
      const value = values[i]!;
      const data =
        dtype === "string"
          ? [String(value)]
          : dtype === "int64"
            ? BigInt64Array.of(BigInt(value as number))
            : dtype === "bool"
              ? Uint8Array.of(Number(value))
              : Float64Array.of(value as number);
      return [name, tensor(dtype as "string", dims, data as string[])];
    }),
  );
}

describe("a pipeline that takes a table column by column", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await nodeRuntime({ workers: 1 });
  });
  afterAll(() => runtime.close());
  const load = (bytes: Uint8Array, rows = ROWS) => loadClassifier(bytes, { runtime, features: rows.boxes, rows });
  const rng = Rng.of(5);
  const someLevels = Array.from({ length: 40 }, () =>
    ROWS.levels(Float32Array.from({ length: ROWS.size }, () => rng.uniform())),
  );

  it.each<[string, (string | number)[], number[]]>([["[N, 1]", ["N", 1], [1, 1]]])(
    "gives for each row of the schema what the file gives for its columns, %s",
    async (_, shape, dims) => {
      const bytes = pipeline(linear, shape);
      const classifier = await load(bytes);
      expect(classifier.notes[0]).toBe("its 5 inputs are made of the fields of the schema");
      expect([classifier.problems, classifier.capabilities.gradient]).toEqual([[], true]);
      for (const levels of someLevels) {
        const expected = (await runDirectly(bytes, feeds(levels, dims)))["scores"]!.data as Float32Array;
        const row = ROWS.point(levels);
        expect(await classifier.verify(row)).toEqual(expected);
        const searched = await classifier.scores({ data: row, count: 1 });
        for (const [c, value] of expected.entries()) expect(searched[c]).toBeCloseTo(value, 4);
      }
      await classifier.close();
    },
  );

  it("has gradients of its numbers, and of categories that the schema says as 0 and 1", async () => {
    const classifier = await load(pipeline(linear));
    const row = ROWS.point(someLevels[0]!);
    const { gradients } = await classifier.gradient({ data: row, count: 1 }, "margin", Int32Array.of(0));
    // income, rate, vip, three purposes of which the file does not know the second, the code of a grade.
    expect(Array.from(gradients, (value) => value !== 0)).toEqual([true, true, true, true, false, true, false]);
    await classifier.close();
  });

  it.each([
    ["a category of 0 and 1", 5],
    ["a text that the schema does not have", 4],
    ["a category of codes", 7],
  ])("has its trees read through scaling and encoding, of %s", async (_, column) => {
    const bytes = pipeline(trees(column));
    const classifier = await load(bytes);
    expect(classifier.capabilities.trees).toBe(true);
    for (const levels of someLevels) {
      const expected = (await runDirectly(bytes, feeds(levels, [1, 1])))["scores"]!.data as Float32Array;
      const sums = classifier.trees!.sums(ROWS.point(levels));
      for (const [c, value] of expected.entries()) expect(sums[c]).toBeCloseTo(value, 5);
    }
    // 0.03 (income - 50) <= 0.29 up to 59.
    const [income] = Array.from(classifier.trees!.trees[0]!.cut);
    expect([income! * 100 > 59, income! * 100 <= 60]).toEqual([true, true]);
    await classifier.close();
  });

  it("keeps integers where an operator takes nothing else", async () => {
    const graph = new Graph("codes");
    const op = opBuilder(graph, { get: () => undefined });
    const [income, vip] = ["income", "vip"].map((name) => op.input(name, { dtype: "int64", shape: ["N", 1] }));
    const keys: Record<string, AttributeInput> = {
      keys_int64s: { type: "ints", value: Array.from({ length: 101 }, (_, i) => i) },
      values_floats: { type: "floats", value: Array.from({ length: 101 }, (_, i) => (i * 37) % 101) },
    };
    const [ranked] = op.node("LabelEncoder", [income!], keys, 1, "ai.onnx.ml");
    const columns = op.Concat(ranked!, op.Cast(vip!, { to: codeFromDtype("float32") }), { axis: 1 });
    const scores = op.MatMul(columns, float32([2, 2], [0.01, -0.02, 1, 2]));
    op.output(Object.assign(scores, { name: "scores", dtype: "float32", shape: ["N", 2] }));
    const model = new Model(graph, 18);
    model.opsets.set("ai.onnx.ml", 2);
    const bytes = writeModel(model);
    const rows = spaceOf([FIELDS[0], FIELDS[2]]);
    const classifier = await load(bytes, rows);
    for (const income of [0, 13, 100]) {
      const column = (value: number) => tensor("int64", [1, 1], BigInt64Array.of(BigInt(value)));
      const expected = (await runDirectly(bytes, { income: column(income), vip: column(1) }))["scores"]!.data;
      const row = rows.point(Int32Array.of(income, 1));
      expect(await classifier.verify(row)).toEqual(expected);
      expect(await classifier.scores({ data: row, count: 1 })).toEqual(expected);
    }
    await classifier.close();
  });

  it("names each input and each field that do not fit", async () => {
    const fields = [
      { ...FIELDS[0], name: "salary" },
      FIELDS[1],
      { ...FIELDS[2] },
      { name: "purpose", type: "integer", min: 0, max: 3 },
      FIELDS[4],
    ];
    const refused = load(pipeline(linear), spaceOf(fields));
    await expect(refused).rejects.toThrow(/E_MODEL_COLUMNS.*input income.*field of the schema/);
    await expect(refused).rejects.toThrow(/input purpose.*category of texts.*type integer/);
    await expect(refused).rejects.toThrow(/field salary.*"ignore"/);
    await expect(load(pipeline(linear, ["N", 2]))).rejects.toThrow(/input income.*one column.*shape \[N, 2\]/);
  });
});
