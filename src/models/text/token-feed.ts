import { BlindspotError, type Problem } from "../../base/errors.ts";
import type { Model, Value } from "../../graph/ir.ts";
import { arrayType, type DType, type Tensor, tensor } from "../../tensor/tensor.ts";
import { TOKEN_INPUT } from "./takes-text.ts";
import type { TextFeed } from "./text-feed.ts";
import { TextTokenizer, type TokenizerFiles, type Tokens } from "./tokenizer.ts";

/** What a place of the input holds, by the names that exporters of transformers give. */
const INPUTS: Readonly<Record<string, (tokens: Tokens, place: number) => number>> = {
  [TOKEN_INPUT]: ({ ids }, place) => ids[place]!,
  attention_mask: () => 1,
  token_type_ids: ({ types }, place) => types[place]!,
  position_ids: (_, place) => place,
};

/** Embeddings are padded to round sizes: so many rows that no token has are no sign of another tokenizer. */
const SPARE_ROWS = 128;

/** Of a model whose inputs are what a tokenizer gives. Throws `E_TOKENIZER` and `E_TOKENIZER_MODEL`: all that does not fit, at once. */
export function tokenFeed({ graph }: Model, files: TokenizerFiles | null, label: string): TextFeed {
  const problems: Problem[] = [];
  const refuse = (facts: Omit<Problem, "code" | "subject">) =>
    problems.push({ code: "E_TOKENIZER_MODEL", subject: label, ...facts });
  for (const { name, dtype, shape } of graph.inputs) {
    if (!Object.hasOwn(INPUTS, name))
      refuse({ where: `input '${name}'`, expected: `one of ${Object.keys(INPUTS).join(", ")}` });
    else if ((dtype !== "int64" && dtype !== "int32") || (shape !== null && shape.length !== 2))
      refuse({
        where: `input '${name}'`,
        expected: "int64 or int32 of [texts, tokens]",
        got: `${dtype ?? "no type"}[${shape?.map((dim) => dim ?? "?").join(",") ?? "?"}]`,
      });
  }
  if (files === null)
    refuse({ expected: "tokenizer.json beside the model: it takes tokens", got: "none", hint: "Copy it there." });
  if (problems.length > 0 || files === null) throw new BlindspotError(problems);

  const tokenizer = new TextTokenizer(files, label);
  const [batch, fixedLength] = graph.inputs.find(({ name }) => name === TOKEN_INPUT)!.shape ?? [null, null];
  const rows = embeddingRows(graph.inputs, graph.nodes);
  if (rows !== null && tokenizer.largestId >= rows)
    throw new BlindspotError({
      code: "E_TOKENIZER_MODEL",
      subject: label,
      expected: `ids below ${rows}, the rows of the model's embedding`,
      got: `ids up to ${tokenizer.largestId} from tokenizer.json`,
      hint: "Take the tokenizer that the model was trained with.",
    });
  const spare = rows === null ? 0 : rows - 1 - tokenizer.largestId;
  const length = typeof fixedLength === "number" ? fixedLength : null;
  const longest = length === null ? tokenizer.maxLength : Math.min(length, tokenizer.maxLength ?? length);
  const tokens = remembered((text: string) => tokenizer.tokens(text, longest));
  return {
    notes: [
      `texts are tokenized as tokenizer.json says${longest === null ? "" : `: at most ${longest} tokens, what is beyond is not seen`}`,
      "special tokens that a text spells out are taken as such, as the tokenizer does by default",
      ...(spare > SPARE_ROWS
        ? [
            `no token has ${spare} of the embedding's ${rows} rows: is this the tokenizer that the model was trained with?`,
          ]
        : []),
    ],
    fixedBatch: typeof batch === "number" ? batch : null,
    reading: {
      normalized: tokenizer.normalized,
      key: (text) => tokens(text).ids.join(","),
      truncated: (text) => tokens(text).truncated,
    },
    feeds: (texts) => {
      const all = texts.map(tokens);
      const most = Math.max(1, ...all.map(({ ids }) => ids.length));
      const width = length ?? tokenizer.padding.multipleOf * Math.ceil(most / tokenizer.padding.multipleOf);
      return Object.fromEntries(graph.inputs.map((input) => [input.name, packed(input, all, width, tokenizer)]));
    },
  };
}

/** Texts whose tokens are remembered: an attack asks for the key of a text, and then what the model says of it. */
const REMEMBERED = 4096;

function remembered<T>(work: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const found = known.get(text) ?? work(text);
    if (known.size >= REMEMBERED) known.clear();
    known.set(text, found);
    return found;
  };
}

function packed({ name, dtype }: Value, all: readonly Tokens[], width: number, { padding }: TextTokenizer): Tensor {
  const data = new (arrayType(dtype as "int64"))(all.length * width) as BigInt64Array | Int32Array;
  const convert = dtype === "int64" ? BigInt : Number;
  const empty = name === TOKEN_INPUT ? padding.id : name === "token_type_ids" ? padding.type : 0;
  data.fill(convert(empty) as never);
  all.forEach((tokens, row) => {
    const start = row * width + (padding.side === "left" ? width - tokens.ids.length : 0);
    tokens.ids.forEach((_, place) => {
      data[start + place] = convert(INPUTS[name]!(tokens, place)) as never;
    });
  });
  return tensor(dtype as DType, [all.length, width], data);
}

/** Rows of the matrix that the ids are looked up in, where the graph shows it. */
function embeddingRows(inputs: readonly Value[], nodes: Model["graph"]["nodes"]): number | null {
  const ids = new Set(inputs.filter(({ name }) => name === TOKEN_INPUT));
  for (const node of nodes) {
    if (["Cast", "Identity"].includes(node.op) && ids.has(node.inputs[0]!)) ids.add(node.outputs[0]!);
    const matrix = node.op === "Gather" && ids.has(node.inputs[1]!) ? node.inputs[0] : null;
    const rows = (matrix?.constant?.dims ?? matrix?.shape)?.[0];
    if (typeof rows === "number") return rows;
  }
  return null;
}
