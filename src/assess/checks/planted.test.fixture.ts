import { Rng } from "../../base/rng.ts";
import type { DataSample, Dataset } from "../../data/dataset.ts";
import { Graph, Model, type OpBuilder, opBuilder, type Value } from "../../graph/index.ts";
import type { Classifier } from "../../models/classifier.ts";
import { loadClassifier } from "../../models/load-classifier.ts";
import { operators } from "../../ops/index.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { float32, int64Vector, scalar, sizeOf } from "../../tensor/tensor.ts";
import type { AssessOptions } from "../options.ts";
import { freshPoint, TRAINED_EPSILON, type Training, trainedNet } from "./trained.test.fixture.ts";

export const FEATURES = 16;
const HIDDEN = 12;
const CLASSES = 3;
const SAMPLES = 24;
export const EPSILON = 0.08;

type Body = (op: OpBuilder, x: Value) => Value;

/** One row of the matrix: a model, good or planted, and how it is evaluated. */
export interface Planted {
  readonly name: string;
  /** What was done to it. */
  readonly about: string;
  /** Its graph, or how it was really trained. */
  readonly body: Body | Training;
  /** Changes the loaded classifier: what no graph can show. */
  readonly wrap?: (classifier: Classifier) => Classifier;
  /** The surrogate of a transfer attack. */
  readonly surrogate?: Body;
  readonly options?: Pick<AssessOptions, "attacks" | "overrides" | "audit" | "active"> & { readonly epsilon?: number };
  /** The points to attack; default: random ones. */
  readonly point?: (rng: Rng) => Float32Array;
  readonly samples?: number;
  /** Checks that must not pass. */
  readonly trips: readonly string[];
  /** Checks that must, beside the honest model's. */
  readonly passes?: readonly string[];
}

function weights(dims: readonly number[], name: string, scale = 1): ReturnType<typeof float32> {
  const rng = Rng.of(5).fold(name);
  const spread = scale / Math.sqrt(dims[0]!);
  return float32(
    dims,
    Array.from({ length: sizeOf(dims) }, () => spread * rng.normal()),
  );
}

const number = (value: number) => scalar("float32", value);

/** 6 (x - 1/2), dense, tanh, dense: smooth, and neither easy nor impossible to attack. */
function hidden(op: OpBuilder, x: Value): Value {
  const centered = op.Mul(op.Sub(x, number(0.5)), number(4));
  return op.Tanh(op.MatMul(centered, weights([FEATURES, HIDDEN], "first", 1.5)));
}
const last = (op: OpBuilder, features: Value) => op.MatMul(features, weights([HIDDEN, CLASSES], "last", 3));
const honest: Body = (op, x) => last(op, hidden(op, x));

const LEVELS = 8;
const rounded: Body = (op, x) => honest(op, op.Div(op.Round(op.Mul(x, number(LEVELS))), number(LEVELS)));
/** Rounding of each value that gradients pass through. */
const quantized: Body = (op, x) => {
  const [step, zero] = [number(1 / 64), scalar("uint8", 0)];
  return honest(op, op.DequantizeLinear(op.QuantizeLinear(x, step, zero), step, zero));
};

/** Two classes by the sign of a function of u = <w, x> - <w, 1/2>, whose samples all lie at u = 0. */
const SIGNS = Float32Array.from({ length: FEATURES }, (_, i) => (i % 3 === 0 ? -1 : 1));
/** How far L-inf attackers of EPSILON can move u. */
const REACH = EPSILON * FEATURES;
function alongLine(curve: (op: OpBuilder, t: Value) => Value): Body {
  return (op, x) => {
    const u = op.MatMul(op.Sub(x, number(0.5)), float32([FEATURES, 1], [...SIGNS]));
    const z = curve(op, op.Div(u, number(REACH)));
    return op.MatMul(z, float32([1, 2], [-1, 1]));
  };
}
/** A random point of the plane u = 0. */
function onPlane(rng: Rng): Float32Array {
  const offset = SIGNS.map(() => 0.3 * (rng.uniform() - 0.5));
  const height = offset.reduce((sum, value, i) => sum + value * SIGNS[i]!, 0) / FEATURES;
  return offset.map((value, i) => 0.5 + value - height * SIGNS[i]!);
}
/** A hill on which small steps stay, and behind it what one large step reaches: -1 + sin(2 pi t) / 2 + 6 relu(t - 3/4), t = u / reach. */
const trap = alongLine((op, t) =>
  op.Add(
    op.Sub(op.Mul(op.Sin(op.Mul(t, number(2 * Math.PI))), number(0.5)), number(1)),
    op.Mul(op.Relu(op.Sub(t, number(0.75))), number(8)),
  ),
);
/** A needle at a quarter of the reach, on a slope that leads beyond it: -0.3 + 0.1 t + exp(-((t - 1/4) / 0.006)^2). */
const needle = alongLine((op, t) => {
  const distance = op.Div(op.Sub(t, number(0.25)), number(0.006));
  const peak = op.Exp(op.Neg(op.Mul(distance, distance)));
  return op.Add(op.Sub(op.Mul(t, number(0.1)), number(0.3)), peak);
});

const noisy: Body = (op, x) => {
  const waves = op.Sin(op.Mul(op.MatMul(x, weights([FEATURES, CLASSES], "waves", 4)), number(400)));
  return op.Add(honest(op, x), op.Mul(waves, number(4)));
};

/** Only the largest hidden value goes on. */
const winnersTakeAll: Body = (op, x) => {
  const h = hidden(op, x);
  const [values] = op.node("TopK", [h, int64Vector([1])], {}, 2);
  return last(op, op.Where(op.GreaterOrEqual(h, values!), h, number(0)));
};

const probabilities: Body = (op, x) => {
  const exponentials = op.Exp(honest(op, x));
  return op.Div(exponentials, op.ReduceSum(exponentials, int64Vector([1]), { keepdims: 1 }));
};

/** Each call answers a little differently, as with dropout left on. */
function randomized(classifier: Classifier): Classifier {
  let call = 0;
  const { classes, dims, capabilities, maxBatch, concurrency, notes, problems, steps } = classifier;
  const shake = (scores: Float32Array, label: number) => {
    const rng = Rng.of(label).fold(call++);
    return scores.map((score) => score + 0.3 * rng.normal());
  };
  return {
    ...{ classes, dims, capabilities, maxBatch, concurrency, notes, problems },
    ...(steps === undefined ? {} : { steps }),
    scores: async (rows) => shake(await classifier.scores(rows), 1),
    gradient: (rows, loss, labels, targets) => classifier.gradient(rows, loss, labels, targets),
    verify: (row) => classifier.verify(row),
    close: () => classifier.close(),
  };
}

const PGD = { attacks: ["pgd"], overrides: { set: ["pgd.loss=margin"] } };
const THOROUGH = {
  attacks: ["pgd", "apgd-margin", "square"],
  overrides: { set: ["pgd.loss=margin", "square.queries=300"] },
  audit: true,
};

const TRAINED = { point: freshPoint, samples: 200, options: { ...PGD, epsilon: TRAINED_EPSILON } };

export const PLANTED: readonly Planted[] = [
  {
    name: "honest",
    about: "dense, tanh, dense: every check, and none complains",
    body: honest,
    surrogate: (op, x) => op.MatMul(hidden(op, x), weights([HIDDEN, CLASSES], "other", 3)),
    options: {
      attacks: ["pgd", "apgd-margin", "square", "rays", "mi-fgsm"],
      overrides: { set: ["pgd.loss=margin", "square.queries=300", "rays.queries=300"] },
      audit: true,
      active: true,
    },
    trips: [],
  },
  {
    name: "logits times 10,000",
    about: "the honest model, its scores multiplied",
    body: (op, x) => op.Mul(honest(op, x), number(1e4)),
    options: THOROUGH,
    trips: ["saturation", "gradients-zero"],
  },
  {
    name: "distilled temperature",
    about: "its scores multiplied by 20, as a net trained at a temperature and deployed without it",
    body: (op, x) => op.Mul(honest(op, x), number(20)),
    options: PGD,
    trips: ["saturation"],
  },
  {
    name: "probabilities",
    about: "a softmax written out, so that no logits are found",
    body: probabilities,
    options: PGD,
    trips: ["scores-are-logits"],
  },
  {
    name: "rounded input",
    about: `the input rounded to ${LEVELS} levels: no gradient`,
    body: rounded,
    options: {
      attacks: ["pgd", "square", "rays"],
      overrides: { set: ["square.queries=300", "rays.queries=500"] },
      audit: true,
    },
    trips: ["gradients-zero", "step-functions", "unbounded-reaches-zero", "score-vs-white-box", "label-vs-white-box"],
  },
  {
    name: "sign of the input",
    about: "only whether a value is above 1/2 counts",
    body: (op, x) => honest(op, op.Add(op.Mul(op.Sign(op.Sub(x, number(0.5))), number(0.25)), number(0.5))),
    options: { ...PGD, audit: true },
    trips: ["gradients-zero", "step-functions", "unbounded-reaches-zero", "noise-baseline"],
  },
  {
    name: "rounded input, surrogate",
    about: "the attacker has the model before it was rounded",
    body: rounded,
    surrogate: honest,
    options: { attacks: ["pgd", "mi-fgsm"] },
    trips: ["transfer-vs-white-box"],
  },
  {
    name: "rounded input, large epsilon",
    about: "said to stand at epsilon 1/2, where all inputs can become one",
    body: rounded,
    options: { attacks: ["pgd"], epsilon: 0.5 },
    trips: ["impossible-claim", "unbounded-reaches-zero"],
  },
  {
    name: "rounded input, active tests",
    about: "gradient attacks alone against planted adversarial inputs",
    body: rounded,
    options: { attacks: ["pgd"], active: true },
    trips: ["binarization"],
  },
  {
    name: "quantized input",
    about: "rounded to 64 levels by operators that gradients pass straight through",
    body: quantized,
    options: THOROUGH,
    trips: ["step-functions"],
  },
  {
    name: "staircase",
    about: "a twentieth of the slope in plain sight, the rest in steps",
    body: (op, x) => {
      const steps = op.Div(op.Round(op.Mul(x, number(64))), number(64));
      return honest(op, op.Add(op.Mul(x, number(0.05)), op.Mul(steps, number(0.95))));
    },
    options: PGD,
    trips: ["gradient-direction", "step-functions"],
  },
  {
    name: "k winners take all",
    about: "only the largest of twelve hidden values goes on",
    body: winnersTakeAll,
    options: { attacks: ["bim", "square"], overrides: { set: ["square.queries=300"] } },
    trips: ["score-vs-white-box"],
  },
  {
    name: "noisy landscape",
    about: "a fast wave added to each score",
    body: noisy,
    options: { ...PGD, audit: true },
    trips: ["noisy-landscape", "gradient-direction"],
  },
  {
    name: "randomized",
    about: "noise on each answer",
    body: honest,
    wrap: randomized,
    options: PGD,
    trips: ["determinism"],
  },
  {
    name: "constant",
    about: "one answer whatever the input",
    body: (op, x) => op.Add(op.Mul(honest(op, x), number(0)), float32([CLASSES], [2, 1, 0])),
    options: PGD,
    trips: ["gradients-zero"],
  },
  {
    name: "rows that mix",
    about: "the mean of the batch is subtracted: rows must run alone",
    body: (op, x) => honest(op, op.Add(x, op.Mul(op.ReduceMean(x, int64Vector([0]), { keepdims: 1 }), number(0.2)))),
    options: PGD,
    trips: ["batch"],
  },
  {
    name: "without gradients",
    about: "an operator in the way that gives integers",
    body: (op, x) => honest(op, op.Div(op.Cast(op.Cast(op.Mul(x, number(255)), { to: 6 }), { to: 1 }), number(255))),
    options: { attacks: ["square"], overrides: { set: ["square.queries=300"], queries: 50 } },
    trips: ["model", "every-sample-evaluated"],
  },
  {
    name: "trap",
    about: "a hill that small steps do not leave, and a cliff behind it that one large step reaches",
    body: trap,
    point: onPlane,
    options: { attacks: ["fgsm", "bim"], audit: true },
    trips: ["one-step-vs-iterative"],
  },
  {
    name: "needle",
    about: "a narrow weakness, a quarter of the way out",
    body: needle,
    point: onPlane,
    options: { ...PGD, audit: true },
    trips: ["monotone-epsilon", "convergence-steps", "convergence-restarts", "step-size"],
  },
  {
    name: "honest, attacked too briefly",
    about: "twenty steps of an eightieth of epsilon",
    body: honest,
    options: {
      attacks: ["bim"],
      overrides: { set: ["bim.steps=20", "bim.stepSize=0.001", "bim.loss=margin"] },
      audit: true,
    },
    trips: ["convergence-steps", "incomplete-optimization"],
  },
  {
    name: "honest, attacked by cross-entropy alone",
    about: "which a scaling of the scores blinds",
    body: honest,
    options: { attacks: ["pgd"], active: true },
    trips: ["planted-masks"],
  },
  {
    name: "label smoothing",
    about: "really trained, half of each label spread over all classes: cross-entropy raises all wrong scores alike",
    body: { method: "none", regularizers: { labelSmoothing: 0.5 } },
    ...TRAINED,
    trips: ["cross-entropy-vs-margin"],
  },
  {
    name: "label smoothing, its control",
    about: "the same net, data and seed, trained without it",
    body: { method: "none" },
    ...TRAINED,
    trips: [],
    passes: ["cross-entropy-vs-margin"],
  },
  {
    name: "adversarial training",
    about: "the same net trained by PGD",
    body: { method: "pgd" },
    ...TRAINED,
    trips: [],
    passes: ["cross-entropy-vs-margin"],
  },
];

function modelOf(body: Body): Model {
  const graph = new Graph("planted");
  const op = opBuilder(graph, operators);
  const z = body(op, op.input("input", { dtype: "float32", shape: ["N", FEATURES] }));
  z.name = "scores";
  op.output(z);
  return new Model(graph, 18);
}

/** The classifier, a surrogate and the data of one row; labels are what the model itself says. */
export async function plant(row: Planted, runtime: Runtime): Promise<AssessOptions> {
  const load = (model: Model) => loadClassifier(model, { runtime, label: `${row.name}.onnx` });
  const { body } = row;
  const loaded = await load(typeof body === "function" ? modelOf(body) : await trainedNet(body, runtime));
  const samples: DataSample[] = [];
  for (let index = 0; index < (row.samples ?? SAMPLES); index++) {
    const rng = Rng.of(11).fold(index);
    const point = row.point?.(rng) ?? Float32Array.from({ length: FEATURES }, () => 0.1 + 0.8 * rng.uniform());
    const scores = await loaded.verify(point);
    samples.push({ id: `s${index}`, index, point, label: scores.indexOf(Math.max(...scores)) });
  }
  const { epsilon = EPSILON, ...options } = row.options ?? {};
  return {
    model: row.wrap?.(loaded) ?? loaded,
    data: datasetOf(samples),
    threats: [`linf:${epsilon}`],
    samples: "all",
    ...(row.surrogate === undefined ? {} : { surrogate: await load(modelOf(row.surrogate)) }),
    ...options,
  };
}

function datasetOf(samples: readonly DataSample[]): Dataset {
  return {
    spec: "test:planted",
    sha256: "0".repeat(64),
    length: samples.length,
    modality: "vector",
    dims: [samples[0]!.point.length],
    naturalQuantize: "none",
    classes: null,
    labels: Int32Array.from(samples, ({ label }) => label),
    groups: null,
    sample: async (index) => samples[index]!,
  };
}
