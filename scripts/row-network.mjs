/**
 * A small net for rows of a schema, trained by our own training graph: input `X`, float32 [N, numbers of a row] in the user's units, standardized inside the
 * model; one or two hidden layers; output `logits` [N, classes]. What examples and benchmarks attack beside trees.
 */
import {
  cosine,
  float32,
  Graph,
  int64,
  Model,
  nodeRuntime,
  opBuilder,
  operators,
  Rng,
  train,
  withTrainingStep,
  writeModel,
} from "../dist/index.js";

/**
 * The rows of a dataset as a model takes them.
 * @param {import("../dist/index.js").Dataset} data opened by `space`
 * @param {import("../dist/index.js").RowSpace} space
 * @returns {Promise<Float32Array[]>}
 */
export async function modelRows(data, space) {
  const points = await Promise.all(Array.from({ length: data.length }, async (_, i) => (await data.sample(i)).point));
  return points.map((point) =>
    point.map((x, c) => {
      const { low, high, steps } = space.boxes[c];
      return low + Math.round(x * steps) * ((high - low) / steps);
    }),
  );
}

/**
 * @param {readonly Float32Array[]} rows in the user's units
 * @param {ArrayLike<number>} labels
 * @param {{ classes: number, hidden: readonly number[], epochs: number, seed: number, batch?: number, peakRate?: number, weightDecay?: number, dropout?: number }} options
 * @returns {Promise<Uint8Array>} the bytes of an ONNX file
 */
export async function trainRowNetwork(rows, labels, options) {
  const { classes, hidden, epochs, seed, batch = 32, peakRate = 3e-3, weightDecay = 0.05, dropout = 0 } = options;
  const { model, weights } = network(rows, { classes, hidden, dropout, rng: Rng.of(seed).fold("weights") });
  const optimizer = { kind: "adamw", weightDecay };
  const step = withTrainingStep(model, { table: operators, loss: "cross-entropy", optimizer, trainable: weights });
  // One thread: steps are small, and a second one mostly waits.
  const runtime = await nodeRuntime({ workers: 1, threads: 1 });
  const size = rows[0].length;
  const trained = await train({
    step,
    runtime,
    data: {
      count: rows.length,
      batch: (chosen) => {
        const x = new Float32Array(chosen.length * size);
        for (const [n, row] of chosen.entries()) x.set(rows[row], n * size);
        return {
          X: float32([chosen.length, size], x),
          labels: int64(
            [chosen.length],
            chosen.map((row) => labels[row]),
          ),
        };
      },
    },
    epochs,
    batch,
    schedule: cosine(peakRate),
    seed,
  });
  await runtime.close();
  return writeModel(trained);
}

/** The net with fresh weights (He et al. 2015), and their names: mean and deviation of the rows are no weights. */
function network(rows, { classes, hidden, dropout, rng }) {
  const graph = new Graph("rows");
  const op = opBuilder(graph, operators);
  const weights = [];
  const weight = (name, dims, deviation) => {
    weights.push(name);
    const stream = rng.fold(name);
    const size = dims.reduce((product, dim) => product * dim, 1);
    return op.initializer(
      name,
      float32(
        dims,
        Float32Array.from({ length: size }, () => stream.normal() * deviation),
      ),
    );
  };
  const { mean, deviation } = moments(rows);
  let width = mean.length;
  let x = op.input("X", { dtype: "float32", shape: ["N", width] });
  x = op.Div(
    op.Sub(x, op.initializer("mean", float32([width], mean))),
    op.initializer("deviation", float32([width], deviation)),
  );
  for (const [i, units] of [...hidden, classes].entries()) {
    const spread = Math.sqrt(2 / width);
    x = op.Gemm(x, weight(`dense${i}.weight`, [width, units], spread), weight(`dense${i}.bias`, [units], 0));
    width = units;
    if (i === hidden.length) break;
    x = op.Relu(x);
    if (dropout > 0) x = op.Dropout(x, float32([], [dropout]));
  }
  x.name = "logits";
  op.output(x);
  return { model: new Model(graph, 18), weights };
}

/** Of each number of a row, over all rows; one that never changes keeps its size. */
function moments(rows) {
  const size = rows[0].length;
  const mean = Float32Array.from({ length: size }, (_, c) => rows.reduce((sum, row) => sum + row[c], 0) / rows.length);
  const deviation = mean.map(
    (center, c) => Math.sqrt(rows.reduce((sum, row) => sum + (row[c] - center) ** 2, 0) / rows.length) || 1,
  );
  return { mean, deviation };
}

/** Share of rows that a model's file gets right, told with its numbers. */
export async function accuracy(classifier, data) {
  let right = 0;
  for (let i = 0; i < data.length; i++) {
    const { point, label } = await data.sample(i);
    const scores = await classifier.verify(point);
    right += Number(scores.indexOf(Math.max(...scores)) === label);
  }
  return `${((100 * right) / data.length).toFixed(1)} % (${right} of ${data.length})`;
}
