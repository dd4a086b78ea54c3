import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../../base/rng.ts";
import { Graph, Model, type OpBuilder, opBuilder, type Value, writeModel } from "../../graph/index.ts";
import { textPoint } from "../../inputs/text/code-points.ts";
import { operators } from "../../ops/index.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { type DType, float32, int64Vector, scalar, sizeOf } from "../../tensor/tensor.ts";
import type { Classifier } from "../classifier.ts";
import { openClassifier } from "../open-classifier.ts";
import { type OpenedModel, openModel } from "../open-model.ts";
import { TextTokenizer } from "./tokenizer.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await nodeRuntime({ workers: 2 });
});
afterAll(() => runtime.close());

const json = JSON.parse(
  readFileSync(new URL("../../../bench/peers/fixtures/tokenizer-wordpiece.json", import.meta.url), "utf8"),
).tokenizer;
const tokenizer = new TextTokenizer({ json, config: null, sha256: "" }, "here");
const VOCABULARY = tokenizer.largestId + 1;
const WIDTH = 8;
const CLASSES = 3;
const TEXTS = ["call now", "", "see you at the station then, mum", "FREE prize!"];

function random(name: string, dims: readonly number[]): ReturnType<typeof float32> {
  const rng = Rng.of(3).fold(name);
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => rng.normal()),
  );
}

type Inputs = Readonly<Record<string, Value>>;
interface Spec {
  readonly inputs: readonly string[];
  readonly dtype?: DType;
  readonly shape?: readonly (number | string)[];
  readonly rows?: number;
}

const { data: EMBEDDING } = random("embedding", [VOCABULARY, WIDTH]);
const { data: HEAD } = random("head", [WIDTH, CLASSES]);

/** A model of tokens: embeddings, what `body` makes of them, [N, T, WIDTH] to [N, WIDTH], and a linear head. */
function modelOf(spec: Spec, body: (op: OpBuilder, tokens: Value, inputs: Inputs) => Value): Model {
  const graph = new Graph("tokens");
  const op = opBuilder(graph, operators);
  const type = { dtype: spec.dtype ?? "int64", shape: spec.shape ?? ["N", "T"] } as const;
  const inputs = Object.fromEntries(spec.inputs.map((name) => [name, op.input(name, type)]));
  const rows = spec.rows ?? VOCABULARY;
  const matrix = op.initializer(
    "embedding",
    float32(
      [rows, WIDTH],
      Array.from({ length: rows * WIDTH }, (_, i) => (EMBEDDING as Float32Array)[i] ?? 0),
    ),
  );
  const tokens = op.Gather(matrix, inputs["input_ids"]!);
  op.output(op.MatMul(body(op, tokens, inputs), float32([WIDTH, CLASSES], HEAD as Float32Array)));
  return new Model(graph, 18);
}

/** The mean over tokens that are no padding. */
function maskedMean(op: OpBuilder, tokens: Value, inputs: Inputs): Value {
  const mask = op.Unsqueeze(op.Cast(inputs["attention_mask"]!, { to: 1 }), int64Vector([2]));
  return op.Div(
    op.ReduceSum(op.Mul(tokens, mask), int64Vector([1]), { keepdims: 0 }),
    op.ReduceSum(mask, int64Vector([1]), { keepdims: 0 }),
  );
}

/** One head of attention over the tokens, of which the first is kept: what a small transformer does. */
function attention(op: OpBuilder, tokens: Value, inputs: Inputs): Value {
  const project = (name: string) => op.MatMul(tokens, random(name, [WIDTH, WIDTH]));
  const scores = op.MatMul(project("query"), op.Transpose(project("key"), { perm: [0, 2, 1] }));
  const seen = op.Unsqueeze(op.Cast(inputs["attention_mask"]!, { to: 1 }), int64Vector([1]));
  const hidden = op.Mul(op.Sub(scalar("float32", 1), seen), scalar("float32", -1e9));
  const mixed = op.MatMul(op.Softmax(op.Add(scores, hidden), { axis: -1 }), project("value"));
  return op.Gather(op.Add(tokens, mixed), scalar("int64", 0), { axis: 1 });
}

const opened = async (model: Model, tokenizerJson: unknown = json): Promise<OpenedModel> => ({
  ...(await openModel(writeModel(model), "model.onnx")),
  tokenizer: { json: tokenizerJson, config: null, sha256: "" },
});
const load = async (model: Model, tokenizerJson?: unknown) =>
  openClassifier(await opened(model, tokenizerJson), { runtime });

/** The masked mean by hand. */
function expected(text: string): number[] {
  const { ids } = tokenizer.tokens(text);
  const mean = Array.from({ length: WIDTH }, (_, i) => {
    const sum = ids.reduce((total, id) => total + (EMBEDDING[id * WIDTH + i] as number), 0);
    return sum / ids.length;
  });
  return Array.from({ length: CLASSES }, (_, c) =>
    mean.reduce((sum, value, i) => sum + value * (HEAD[i * CLASSES + c] as number), 0),
  );
}

async function scoresOf(classifier: Classifier, texts: readonly string[]): Promise<number[][]> {
  const size = 600;
  const data = new Float32Array(texts.length * size);
  texts.forEach((text, i) => {
    data.set(textPoint(text, size), i * size);
  });
  const scores = await classifier.scores({ data, count: texts.length });
  return texts.map((_, i) => Array.from(scores.subarray(i * CLASSES, (i + 1) * CLASSES)));
}

const close = (got: ArrayLike<number>, wanted: ArrayLike<number>) => {
  expect(got.length).toBe(wanted.length);
  Array.from(got).forEach((value, i) => {
    expect(value).toBeCloseTo(wanted[i]!, 4);
  });
};

const BAG: Spec = { inputs: ["input_ids", "attention_mask"] };

describe("a model of tokens", () => {
  it.each<[string, Spec]>([
    ["of ids and a mask", BAG],
    ["of 32-bit numbers", { ...BAG, dtype: "int32" }],
    ["of a fixed length", { ...BAG, shape: ["N", 20] }],
    ["of a fixed batch and length", { ...BAG, shape: [2, 20] }],
  ])("%s: together and alone as by hand", async (_, spec) => {
    const classifier = await load(modelOf(spec, maskedMean));
    expect(classifier.capabilities).toEqual({ output: "scores", gradient: false });
    expect(classifier.maxBatch).toBeGreaterThan(1);
    const together = await scoresOf(classifier, TEXTS);
    for (const [i, text] of TEXTS.entries()) {
      close(together[i]!, expected(text));
      close(await classifier.verify(textPoint(text, 40)), expected(text));
    }
  });

  it("with attention: padding changes nothing", async () => {
    const classifier = await load(modelOf(BAG, attention));
    expect(classifier.maxBatch).toBeGreaterThan(1);
    const together = await scoresOf(classifier, TEXTS);
    for (const [i, text] of TEXTS.entries()) close(await classifier.verify(textPoint(text, 40)), together[i]!);
  });

  it("that averages padding, too, runs text by text", async () => {
    const classifier = await load(
      modelOf({ inputs: ["input_ids"] }, (op, tokens) => op.ReduceMean(tokens, int64Vector([1]), { keepdims: 0 })),
    );
    expect(classifier.maxBatch).toBe(1);
    const together = await scoresOf(classifier, TEXTS);
    for (const [i, text] of TEXTS.entries()) close(together[i]!, expected(text));
  });

  it("is fed positions and segments", async () => {
    const all: Spec = { inputs: ["input_ids", "attention_mask", "token_type_ids", "position_ids"] };
    const model = modelOf(all, (op, tokens, inputs) => {
      const mask = op.Cast(inputs["attention_mask"]!, { to: 1 });
      const sum = (name: string) =>
        op.ReduceSum(op.Mul(op.Cast(inputs[name]!, { to: 1 }), mask), int64Vector([1]), { keepdims: 1 });
      // The sum of positions is n (n - 1) / 2, that of segments 0: they shift all scores of a text alike.
      const shift = op.Add(sum("position_ids"), op.Mul(sum("token_type_ids"), scalar("float32", 1e6)));
      return op.Add(op.Mul(maskedMean(op, tokens, inputs), scalar("float32", 0)), shift);
    });
    const classifier = await load(model);
    for (const text of TEXTS) {
      const n = tokenizer.tokens(text).ids.length;
      const heads = Array.from({ length: CLASSES }, (_, c) =>
        Array.from({ length: WIDTH }, (_, i) => HEAD[i * CLASSES + c] as number).reduce((a, b) => a + b, 0),
      );
      const [scores] = await scoresOf(classifier, [text]);
      scores!.forEach((value, c) => {
        expect(value / ((n * (n - 1)) / 2 || 1)).toBeCloseTo(n < 2 ? 0 : heads[c]!, 3);
      });
    }
  });

  it("tells which texts it can't tell apart, and what it does not see", async () => {
    const { reading, notes }: Classifier = await load(modelOf(BAG, maskedMean));
    expect(notes[0]).toBe("texts are tokenized as tokenizer.json says: at most 64 tokens, what is beyond is not seen");
    expect(reading!.normalized("PR\u200bIZ\u00c9")).toBe("prize");
    expect(reading!.key("PR\u200bIZ\u00c9 now")).toBe(reading!.key("prize  now"));
    expect(reading!.key("prize now")).not.toBe(reading!.key("pr1ze now"));
    const long = "call now ".repeat(60);
    expect(reading!.truncated(long)).toBe(true);
    expect(reading!.key(`${long} extra`)).toBe(reading!.key(long));
  });

  it("refuses what does not fit, at once", async () => {
    const strange = modelOf({ inputs: ["input_ids", "pixels"] }, (op, tokens, inputs) =>
      op.Add(
        op.ReduceMean(tokens, int64Vector([1]), { keepdims: 0 }),
        op.Cast(op.ReduceSum(inputs["pixels"]!), { to: 1 }),
      ),
    );
    const bare = await openModel(writeModel(strange), "model.onnx");
    await expect(openClassifier(bare, { runtime })).rejects.toThrow(
      /E_TOKENIZER_MODEL model.onnx, input 'pixels'[\s\S]*tokenizer.json beside the model/,
    );
    await expect(load(modelOf({ ...BAG, rows: 100 }, maskedMean))).rejects.toThrow(
      `ids below 100, the rows of the model's embedding, got ids up to ${VOCABULARY - 1}`,
    );
    const asks = async (rows: number) =>
      (await load(modelOf({ ...BAG, rows }, maskedMean))).notes.filter((note) =>
        note.includes("is this the tokenizer"),
      );
    expect(await asks(VOCABULARY + 500)).toEqual([expect.stringContaining("no token has 500 of the embedding's")]);
    expect(await asks(VOCABULARY + 64)).toEqual([]);
    await expect(load(modelOf(BAG, maskedMean), { model: {} })).rejects.toThrow(/E_TOKENIZER model.onnx, model.type/);
  });

  it("refuses a model of fewer positions than the tokenizer gives", async () => {
    const positions = (op: OpBuilder, tokens: Value, inputs: Inputs) =>
      op.Add(
        maskedMean(op, tokens, inputs),
        op.ReduceMean(op.Gather(random("positions", [16, WIDTH]), inputs["position_ids"]!), int64Vector([1]), {
          keepdims: 0,
        }),
      );
    const model = modelOf({ inputs: [...BAG.inputs, "position_ids"] }, positions);
    await expect(load(model)).rejects.toThrow(/E_TOKENIZER_MODEL.*600 words.*truncation.max_length/);
    const short = { ...json, truncation: { ...json.truncation, max_length: 16 } };
    expect((await load(model, short)).classes).toHaveLength(CLASSES);
  });
});
