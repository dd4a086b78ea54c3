import { Graph, Model, type OpBuilder, opBuilder, type Value } from "../../graph/index.ts";
import { operators } from "../../ops/index.ts";
import { float32, int64Vector } from "../../tensor/tensor.ts";

const POOL = ["free", "prize", "call", "meeting", "milk", "later"];
/** What each word says for spam. */
export const WEIGHTS = [2, 3, 1, -2, -1, -1];
export const BIAS = -0.5;

const named = (value: Value, name: string): Value => {
  value.name = name;
  return value;
};

/** What spam scores less ham, by the words of the pool that are in a text. */
export const spamLead = (text: string): number =>
  POOL.reduce((sum, word, i) => sum + (text.split(" ").includes(word) ? WEIGHTS[i]! : 0), BIAS);

/** A bag of words over strings, with another end for each way in which such files are exported. */
export function bagModel(
  end: (op: OpBuilder, logits: Value, counts: Value) => readonly Value[],
  shape: readonly (number | string)[] = ["N", 1],
): Model {
  const graph = new Graph("bag");
  const op = opBuilder(graph, operators);
  const input = op.input("text", { dtype: "string", shape });
  const flat = op.Reshape(input, int64Vector([-1]));
  const tokenizer = { mark: 0, mincharnum: 1, pad_value: "#", tokenexp: "[a-z]+" };
  const [tokens] = op.node("Tokenizer", [flat], tokenizer, 1, "com.microsoft");
  const [counts] = op.node("TfIdfVectorizer", [tokens!], {
    max_gram_length: 1,
    max_skip_count: 0,
    min_gram_length: 1,
    mode: "IDF",
    ngram_counts: [0],
    ngram_indexes: POOL.map((_, i) => i),
    pool_strings: POOL,
    weights: { type: "floats", value: POOL.map(() => 1) },
  });
  const matrix = float32(
    [POOL.length, 2],
    WEIGHTS.flatMap((weight) => [0, weight]),
  );
  const logits = op.Add(op.MatMul(counts!, matrix), float32([2], [0, BIAS]));
  for (const [i, value] of end(op, logits, counts!).entries()) op.output(named(value, `out${i}`));
  const model = new Model(graph, 15);
  model.opsets.set("ai.onnx.ml", 1).set("com.microsoft", 1);
  return model;
}

/** As scikit-learn's converters end a pipeline: the class and its probabilities, as a tensor or as a list of maps. */
export function linearClassifier(op: OpBuilder, counts: Value, names: readonly string[], zipped: boolean): Value[] {
  const [label, probabilities] = op.node(
    "LinearClassifier",
    [counts],
    {
      classlabels_strings: names,
      coefficients: {
        type: "floats",
        value: [...WEIGHTS.map((weight) => -weight / 2), ...WEIGHTS.map((weight) => weight / 2)],
      },
      intercepts: { type: "floats", value: [-BIAS / 2, BIAS / 2] },
      post_transform: "SOFTMAX",
    },
    2,
    "ai.onnx.ml",
  );
  label!.dtype = "string";
  label!.shape = ["N"];
  probabilities!.dtype = "float32";
  probabilities!.shape = ["N", 2];
  if (!zipped) return [label!, probabilities!];
  return [label!, op.node("ZipMap", [probabilities!], { classlabels_strings: names }, 1, "ai.onnx.ml")[0]!];
}
