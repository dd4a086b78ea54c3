import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { Graph, Model, type OpBuilder, opBuilder, type Value, writeModel } from "../graph/index.ts";
import { operators } from "../ops/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { type DType, float32, int64Vector, scalar, sizeOf } from "../tensor/tensor.ts";
import { type LoadClassifierOptions, loadClassifier } from "./load-classifier.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await nodeRuntime({ workers: 2 });
});
afterAll(() => runtime.close());

const load = (model: Model | Uint8Array, options: LoadClassifierOptions = {}) =>
  loadClassifier(model, { runtime, label: "test.onnx", ...options });

interface ModelSpec {
  readonly shape: readonly (number | string)[];
  readonly dtype?: DType;
  readonly opset?: number;
}

/** A model from its input to its outputs. */
function modelOf(spec: ModelSpec, body: (op: OpBuilder, x: Value) => Value | readonly Value[]): Model {
  const graph = new Graph("test");
  const op = opBuilder(graph, operators);
  const outputs = body(op, op.input("input", { dtype: spec.dtype ?? "float32", shape: spec.shape }));
  for (const [i, value] of [outputs].flat().entries()) {
    value.name = `out${i}`;
    op.output(value as Value);
  }
  return new Model(graph, spec.opset ?? 18);
}

function weights(dims: readonly number[], seed = 0): ReturnType<typeof float32> {
  const rng = Rng.of(seed).fold("weights");
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => rng.normal() / Math.sqrt(dims[0]!)),
  );
}

/** A smooth net, so that finite differences are exact enough: flatten, dense, tanh, dense. */
function net(op: OpBuilder, x: Value, features: number, outputs: number): Value {
  const hidden = op.Tanh(op.MatMul(op.Flatten(x, { axis: 1 }), weights([features, 16], 1)));
  return op.MatMul(hidden, weights([16, outputs], 2));
}

function randomRows(count: number, size: number): Float32Array {
  const rng = Rng.of(7).fold("rows");
  return Float32Array.from({ length: count * size }, () => rng.integer(256) / 255);
}

const argmax = (row: ArrayLike<number>) => Array.from(row).reduce((best, v, i, all) => (v > all[best]! ? i : best), 0);
const IMAGE: ModelSpec = { shape: ["N", 3, 4, 5] };
const linearImage = (op: OpBuilder, x: Value) => net(op, x, 60, 4);

describe("operators that name their axes, behind the Transpose that we put before the model", () => {
  /** The same sizes for each: 3 channels of 6 by 5. */
  const bodies: Record<string, (op: OpBuilder, x: Value) => Value> = {
    "a Pad": (op, x) => op.Pad(x, int64Vector([2, 0]), null, int64Vector([2])),
    "a Pad of reflections": (op, x) => op.Pad(x, int64Vector([1, 1]), null, int64Vector([-2]), { mode: "reflect" }),
    "a Resize": (op, x) => op.Resize(x, null, float32([1], [1.5]), { axes: [2], mode: "linear" }),
    // Their gradients pad.
    "a Slice": (op, x) => op.Concat(x, op.Slice(x, int64Vector([1]), int64Vector([3]), int64Vector([2])), { axis: 2 }),
    "a Gather": (op, x) => op.Gather(x, int64Vector([0, 1, 2, 3, 0, 1]), { axis: 2 }),
    "a Gather of some": (op, x) =>
      op.Pad(op.Gather(x, int64Vector([0, 2]), { axis: 2 }), int64Vector([0, 0, 4, 0, 0, 0, 0, 0])),
  };

  it.each(Object.keys(bodies))("%s", async (name) => {
    const classifier = await load(
      modelOf(IMAGE, (op, x) => net(op, op.Transpose(bodies[name]!(op, x), { perm: [0, 2, 3, 1] }), 90, 4)),
    );
    expect(classifier.problems).toEqual([]);
    const data = randomRows(2, 60);
    const labels = Int32Array.from([1, 3]);
    const { scores, gradients } = await classifier.gradient({ data, count: 2 }, "margin", labels);
    for (const row of [0, 1]) {
      const alone = await classifier.verify(data.subarray(60 * row, 60 * (row + 1)));
      alone.forEach((score, i) => {
        expect(scores[4 * row + i]).toBeCloseTo(score, 4);
      });
    }
    // Along the gradient, both ways: by how much the loss differs.
    const step = 1e-3;
    const loss = async (sign: number) => {
      const moved = data.map((value, i) => value + sign * step * Math.sign(gradients[i]!));
      return (await classifier.gradient({ data: moved, count: 2 }, "margin", labels)).losses;
    };
    const [up, down] = [await loss(1), await loss(-1)];
    for (const row of [0, 1]) {
      const expected = gradients.subarray(60 * row, 60 * (row + 1)).reduce((sum, value) => sum + Math.abs(value), 0);
      expect((up[row]! - down[row]!) / (2 * step)).toBeCloseTo(expected, 1);
    }
    await classifier.close();
  });
});

describe("preprocessing in the graph", () => {
  it.each<[string, ModelSpec, LoadClassifierOptions]>([
    ["none", IMAGE, {}],
    ["0..255", IMAGE, { inputRange: [0, 255] }],
    ["-1..1", IMAGE, { inputRange: [-1, 1] }],
    ["mean and std", IMAGE, { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }],
    ["BGR", IMAGE, { channels: "bgr", mean: [0.4, 0.5, 0.6] }],
    ["channels last", { shape: ["N", 4, 5, 3] }, { dims: [4, 5, 3], inputRange: [0, 255], channels: "bgr" }],
    ["flattened, channels first", { shape: ["N", 60] }, { dims: [4, 5, 3], layout: "nchw" }],
    ["flattened, channels last", { shape: ["N", 60] }, { dims: [4, 5, 3], layout: "nhwc", mean: 0.5, std: [1, 2, 3] }],
    ["old opset", { ...IMAGE, opset: 11 }, { inputRange: [0, 255] }],
  ])("%s: scores are those of the file, gradients those of the scores", async (_, spec, options) => {
    const classifier = await load(modelOf(spec, linearImage), options);
    expect(classifier.problems).toEqual([]);
    expect(classifier.dims).toEqual([4, 5, 3]);
    const size = 60;
    const count = 5;
    const rows = { data: randomRows(count, size), count };
    const scores = await classifier.scores(rows);
    for (let i = 0; i < count; i++) {
      const original = await classifier.verify(rows.data.subarray(i * size, (i + 1) * size));
      original.forEach((value, c) => {
        expect(scores[i * 4 + c]).toBeCloseTo(value, 4);
      });
    }
    const labels = Int32Array.of(0, 1, 2, 3, 0);
    const { gradients, losses } = await classifier.gradient(rows, "margin", labels);
    const direction = randomRows(1, size).map((value) => value - 0.5);
    const lossAlong = async (step: number) => {
      const data = rows.data.map((value, i) => value + step * direction[i % size]!);
      return (await classifier.gradient({ data, count }, "margin", labels)).losses;
    };
    const [above, below] = [await lossAlong(1e-3), await lossAlong(-1e-3)];
    for (let i = 0; i < count; i++) {
      const slope = direction.reduce((sum, value, j) => sum + value * gradients[i * size + j]!, 0);
      expect((above[i]! - below[i]!) / 2e-3).toBeCloseTo(slope, 1);
      expect(losses[i]).toBeCloseTo(margin(scores.subarray(i * 4, i * 4 + 4), labels[i]!), 4);
    }
    await classifier.close();
  });

  it("gives a uint8 model its bytes, and gradients through its Cast", async () => {
    const model = modelOf({ shape: ["N", 60], dtype: "uint8" }, (op, x) => {
      const scaled = op.Div(op.Cast(x, { to: 1 }), scalar("float32", 255));
      return net(op, scaled, 60, 3);
    });
    const classifier = await load(model);
    expect(classifier.capabilities.gradient).toBe(true);
    expect(classifier.notes.join()).toMatch(/straight through/);
    expect(classifier.steps).toEqual({ straightThrough: ["the rounding of the input"], flat: [] });
    await expectAgreement(classifier, 60);
    const { gradients } = await classifier.gradient(
      { data: randomRows(2, 60), count: 2 },
      "margin",
      Int32Array.of(0, 1),
    );
    expect(gradients.some((value) => value !== 0)).toBe(true);
    await classifier.close();
  });

  it.each<[string, DType, (op: OpBuilder, x: Value) => Value]>([
    [
      "uint8, dequantized by the model",
      "uint8",
      (op, x) => {
        const scale = scalar("float32", 1 / 255);
        return net(op, op.DequantizeLinear(x, scale, scalar("uint8", 0)), 60, 3);
      },
    ],
    ["float64", "float64", (op, x) => op.Cast(op.MatMul(x, op.Cast(weights([60, 3]), { to: 11 })), { to: 1 })],
  ])("%s", async (_, dtype, body) => {
    const classifier = await load(modelOf({ shape: ["N", 60], dtype }, body));
    expect(classifier.capabilities.gradient).toBe(true);
    await expectAgreement(classifier, 60);
    const { gradients } = await classifier.gradient(
      { data: randomRows(2, 60), count: 2 },
      "margin",
      Int32Array.of(0, 1),
    );
    expect(gradients.some((value) => value !== 0)).toBe(true);
    await classifier.close();
  });

  it("runs a float16 model, attacked in float32", async () => {
    const model = modelOf({ shape: ["N", 60], dtype: "float16" }, (op, x) => {
      const half = op.Cast(weights([60, 3]), { to: 10 });
      return op.MatMul(x, half);
    });
    const classifier = await load(model);
    expect(classifier.capabilities.gradient).toBe(true);
    const rows = { data: randomRows(3, 60), count: 3 };
    const scores = await classifier.scores(rows);
    const original = await classifier.verify(rows.data.subarray(0, 60));
    original.forEach((value, c) => {
      expect(Math.abs(scores[c]! - value)).toBeLessThan(0.01);
    });
    await classifier.close();
  });
});

function margin(scores: Float32Array, label: number): number {
  return Math.max(...scores.filter((_, i) => i !== label)) - scores[label]!;
}

async function expectAgreement(classifier: Awaited<ReturnType<typeof load>>, size: number): Promise<void> {
  expect(classifier.problems).toEqual([]);
  const rows = { data: randomRows(6, size), count: 6 };
  const scores = await classifier.scores(rows);
  const classes = classifier.classes.length;
  for (let i = 0; i < rows.count; i++) {
    const original = await classifier.verify(rows.data.subarray(i * size, (i + 1) * size));
    expect(original.length).toBe(classes);
    expect(argmax(scores.subarray(i * classes, (i + 1) * classes))).toBe(argmax(original));
  }
}

describe("outputs", () => {
  const spec: ModelSpec = { shape: ["N", 20] };
  const logits = (op: OpBuilder, x: Value) => net(op, x, 20, 4);
  const score = (op: OpBuilder, x: Value) => net(op, x, 20, 1);

  it.each<
    [string, (op: OpBuilder, x: Value) => Value | Value[], { kind: string; stripped: string | null; classes: number }]
  >([
    ["logits", logits, { kind: "scores", stripped: null, classes: 4 }],
    [
      "Softmax",
      (op, x) => op.Softmax(logits(op, x), { axis: -1 }),
      { kind: "scores", stripped: "Softmax", classes: 4 },
    ],
    [
      "Softmax behind a Reshape",
      (op, x) => op.Reshape(op.Softmax(logits(op, x), { axis: 1 }), int64Vector([-1, 4])),
      { kind: "scores", stripped: "Softmax", classes: 4 },
    ],
    [
      "[N, C, 1, 1]",
      (op, x) => op.Reshape(logits(op, x), int64Vector([-1, 4, 1, 1])),
      { kind: "scores", stripped: null, classes: 4 },
    ],
    [
      "LogSoftmax",
      (op, x) => op.LogSoftmax(logits(op, x), { axis: 1 }),
      { kind: "scores", stripped: null, classes: 4 },
    ],
    ["a sigmoid per class", (op, x) => op.Sigmoid(logits(op, x)), { kind: "scores", stripped: "Sigmoid", classes: 4 }],
    ["one logit", score, { kind: "binary-logit", stripped: null, classes: 2 }],
    [
      "one logit without an axis",
      (op, x) => op.Reshape(score(op, x), int64Vector([-1])),
      { kind: "binary-logit", stripped: null, classes: 2 },
    ],
    [
      "one probability",
      (op, x) => op.Sigmoid(score(op, x)),
      { kind: "binary-probability", stripped: "Sigmoid", classes: 2 },
    ],
    [
      "a label",
      (op, x) => op.ArgMax(logits(op, x), { axis: 1, keepdims: 0 }),
      { kind: "label", stripped: "ArgMax", classes: 4 },
    ],
    [
      "logits beside their Softmax",
      (op, x) => {
        const z = logits(op, x);
        return [op.Softmax(z, { axis: 1 }), z];
      },
      { kind: "scores", stripped: null, classes: 4 },
    ],
    [
      "scores beside a label",
      (op, x) => {
        const z = logits(op, x);
        return [op.ArgMax(z, { axis: 1, keepdims: 0 }), z];
      },
      { kind: "scores", stripped: null, classes: 4 },
    ],
  ])("%s", async (_, body, expected) => {
    const classifier = await load(modelOf(spec, body));
    expect(classifier.head).toMatchObject(expected);
    expect(classifier.classes.length).toBe(expected.classes);
    expect(classifier.capabilities.gradient).toBe(true);
    await expectAgreement(classifier, 20);
    await classifier.close();
  });

  it("refuses to choose between two heads, and takes the named one", async () => {
    const model = modelOf(spec, (op, x) => [net(op, x, 20, 4), net(op, x, 20, 3)]);
    await expect(load(model)).rejects.toThrow(
      /E_MODEL_OUTPUT.*out0 float32\[1,4\], out1 float32\[1,3\].*--output NAME/,
    );
    await expect(load(model, { output: "out7" })).rejects.toThrow(/no output 'out7'/);
    const classifier = await load(model, { output: "out1" });
    expect(classifier.classes).toEqual(["0", "1", "2"]);
    await classifier.close();
  });

  it("refuses what holds no scores", async () => {
    const map = modelOf(IMAGE, (op, x) => op.Relu(x));
    await expect(load(map)).rejects.toThrow(/E_MODEL_OUTPUT.*out0 float32\[1,3,4,5\]/);
  });

  it("refuses class names that do not fit", async () => {
    await expect(load(modelOf(spec, logits), { classes: ["cat", "dog"] })).rejects.toThrow(
      /E_CLASSES.*4 class names.*got 2/,
    );
  });
});

describe("batches", () => {
  const reshaping = (rows: number) =>
    modelOf({ shape: [rows, 3, 4, 5] }, (op, x) => net(op, op.Reshape(x, int64Vector([rows, 60])), 60, 4));
  // Each row's scores depend on the mean of its batch.
  const mixing = (rows: number | string) =>
    modelOf({ shape: [rows, 60] }, (op, x) => {
      const z = net(op, x, 60, 4);
      return op.Add(z, op.ReduceMean(z, int64Vector([0]), { keepdims: 1 }));
    });

  it.each([
    ["free", modelOf(IMAGE, linearImage), null, null],
    ["one, freed", reshaping(1), null, /^batch of 1 freed \(8 rows agree\)/],
    [
      "one, freed behind a Reshape to [1, -1]",
      modelOf({ shape: [1, 3, 4, 5] }, (op, x) => net(op, op.Reshape(x, int64Vector([1, -1])), 60, 4)),
      null,
      /^batch of 1 freed/,
    ],
    ["four, freed", reshaping(4), null, /^batch of 4 freed/],
    ["one, whose rows would mix", mixing(1), 1, /^row by row: the batch size can't be freed/],
    ["free, but its rows mix", mixing("N"), 1, /^row by row: rows of one batch are not independent/],
    ["four, whose rows mix", mixing(4), 4, /^in batches of exactly 4/],
    ["none at all", modelOf({ shape: [60] }, (op, x) => op.MatMul(x, weights([60, 4]))), 1, /no batch axis/],
  ] as const)("%s", async (_, model, fixedBatch, note) => {
    const dims = model.graph.inputs[0]!.shape!.length === 1 ? { dims: [60] } : {};
    const classifier = await load(model, dims);
    expect(classifier.fixedBatch).toBe(fixedBatch);
    if (note !== null) expect(classifier.notes.some((text) => note.test(text))).toBe(true);
    expect(classifier.maxBatch).toBe(fixedBatch ?? 128);
    const size = 60;
    // More rows than one pass holds, and not a multiple of it.
    const count = fixedBatch === null ? 300 : 9;
    const rows = { data: randomRows(count, size), count };
    const together = await classifier.gradient(rows, "cross-entropy", new Int32Array(count));
    expect(together.scores).toEqual(await classifier.scores(rows));
    if (fixedBatch !== 4)
      for (const i of [0, 5, count - 1]) {
        const original = await classifier.verify(rows.data.subarray(i * size, (i + 1) * size));
        original.forEach((value, c) => {
          expect(together.scores[i * 4 + c]).toBeCloseTo(value, 4);
        });
      }
    await classifier.close();
  });

  it("counts rows, padding included", async () => {
    const classifier = await load(mixing(4));
    await classifier.scores({ data: randomRows(5, 60), count: 5 });
    await classifier.gradient({ data: randomRows(1, 60), count: 1 }, "other", Int32Array.of(0), Int32Array.of(1));
    await classifier.verify(randomRows(1, 60));
    expect(classifier.meter()).toMatchObject({ forwardRows: 12, backwardRows: 4, verifiedRows: 1 });
    expect(classifier.meter().sessionSeconds).toBeGreaterThan(0);
    await classifier.close();
  });
});

describe("a pipeline of scikit-learn: scaling, a linear model, a map", () => {
  it("has gradients, and logits behind its probabilities", async () => {
    const floats = (value: readonly number[]) => ({ type: "floats" as const, value });
    const model = modelOf({ shape: ["N", 4] }, (op, x) => {
      const [scaled] = op.node(
        "Scaler",
        [x],
        { offset: floats([0.5, 0.1, 0.2, 0.3]), scale: floats([2, 3, 4, 5]) },
        1,
        "ai.onnx.ml",
      );
      const [label, scores] = op.node(
        "LinearClassifier",
        [scaled!],
        {
          coefficients: floats([-1, 2, -0.5, 1, 1, -2, 0.5, -1]),
          intercepts: floats([0.25, -0.25]),
          post_transform: "LOGISTIC",
          classlabels_ints: [0, 1],
        },
        2,
        "ai.onnx.ml",
      );
      Object.assign(label!, { dtype: "int64", shape: ["N"] });
      Object.assign(scores!, { dtype: "float32", shape: ["N", 2] });
      const [maps] = op.node("ZipMap", [scores!], { classlabels_int64s: [0, 1] }, 1, "ai.onnx.ml");
      return [label!, maps!];
    });
    model.opsets.set("ai.onnx.ml", 1);
    const classifier = await load(model);
    expect([classifier.problems, classifier.head.stripped, classifier.capabilities.gradient]).toEqual([
      [],
      "Sigmoid",
      true,
    ]);
    const { gradients } = await classifier.gradient({ data: randomRows(1, 4), count: 1 }, "margin", Int32Array.of(0));
    // Of z1 - z0, by the weights and the scales.
    [4, -12, 4, -10].forEach((slope, i) => {
      expect(gradients[i]).toBeCloseTo(slope, 4);
    });
    await classifier.close();
  });
});

describe("what can't be attacked with gradients", () => {
  it("is loaded for queries, and says which node is in the way", async () => {
    const model = modelOf({ shape: ["N", 20] }, (op, x) => {
      const [normalized] = op.node("Normalizer", [x], { norm: "MAX" }, 1, "ai.onnx.ml");
      return net(op, normalized!, 20, 3);
    });
    model.opsets.set("ai.onnx.ml", 2);
    const classifier = await load(model);
    expect(classifier.capabilities).toEqual({ output: "scores", gradient: false });
    expect(classifier.problems.map(({ code, subject }) => `${code} ${subject}`).join()).toMatch(/Normalizer/);
    const rows = { data: randomRows(2, 20), count: 2 };
    expect((await classifier.scores(rows)).length).toBe(6);
    await expect(classifier.gradient(rows, "margin", new Int32Array(2))).rejects.toThrow(/Normalizer/);
    await classifier.close();
  });

  it.each<[string, Model, RegExp]>([
    [
      "text",
      modelOf({ shape: ["N", 1], dtype: "string" }, (op, x) => op.Identity(x)),
      /E_MODEL_INPUT.*input string\[N,1\]/,
    ],
    [
      "two inputs",
      modelOf({ shape: ["N", 4] }, (op, x) => op.Add(x, op.input("mask", { dtype: "float32", shape: ["N", 4] }))),
      /E_MODEL_INPUT.*one input.*input float32\[N,4\], mask float32\[N,4\]/,
    ],
  ])("%s is refused by name", async (_, model, message) => {
    await expect(load(model)).rejects.toThrow(message);
  });

  it("is refused where it is no ONNX file", async () => {
    await expect(load(writeModel(modelOf(IMAGE, linearImage)).subarray(0, 300))).rejects.toThrow(/^E_ONNX/);
    await expect(loadClassifier("no-such-file.onnx", { runtime })).rejects.toThrow(/E_ONNX_FILE no-such-file\.onnx/);
  });
});
