import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { BlindspotError } from "../base/errors.ts";
import { DEFAULT_LIMITS, type DecodeLimits, scanWire, wireTypeOf } from "./limits.ts";
import { type ModelProto, ModelProtoSchema } from "./onnx.gen.ts";

export interface DecodeOptions {
  /** Name for error messages: the file. */
  readonly label?: string;
  readonly limits?: Partial<DecodeLimits>;
}

/** What people hand over in place of a model, by first bytes, with the way out. */
const LOOKALIKES: readonly {
  readonly magic: string;
  readonly at?: number;
  readonly what: string;
  readonly hint: string;
}[] = [
  { magic: "version https://git-lfs", what: "a Git LFS pointer", hint: "Fetch the file itself with `git lfs pull`" },
  {
    magic: "PK\u0003\u0004",
    what: "a zip archive (PyTorch .pt, Keras .keras)",
    hint: "Export the model to ONNX first",
  },
  { magic: "\u0089HDF", what: "an HDF5 file (Keras .h5)", hint: "Export the model to ONNX first" },
  { magic: "\u001f\u008b", what: "a gzip file", hint: "Unpack it first" },
  { magic: "TFL3", at: 4, what: "a TensorFlow Lite model", hint: "Convert it with tf2onnx first" },
  { magic: "ORTM", at: 4, what: "a model in ORT format", hint: "Give the .onnx file that it was made from" },
  { magic: "\u0089PNG", what: "a PNG image", hint: "Give a .onnx file" },
  { magic: "\u0080\u0002", what: "a Python pickle", hint: "Export the model to ONNX first" },
  { magic: "<", what: "markup", hint: "A download page was perhaps saved in place of the file" },
  { magic: "{", what: "JSON", hint: "Give a .onnx file" },
];

function notAModel(label: string, got: string, hint?: string): BlindspotError {
  const problem = { code: "E_ONNX_NOT_A_MODEL", subject: label, expected: "an ONNX model", got };
  return new BlindspotError(hint === undefined ? problem : { ...problem, hint });
}

/** Whether the first byte is the key (number and wire type) of a field of ModelProto: a damaged model from something else. */
function beginsLikeModel(bytes: Uint8Array): boolean {
  const field = ModelProtoSchema.fields.find(({ number }) => number === bytes[0]! >> 3);
  return field !== undefined && wireTypeOf(field) === (bytes[0]! & 7);
}

function startsWith(bytes: Uint8Array, magic: string, at: number): boolean {
  return bytes.length >= at + magic.length && [...magic].every((char, i) => bytes[at + i] === char.charCodeAt(0));
}

/**
 * Decodes the bytes of an .onnx file. Byte fields (`raw_data`) are views of `bytes`, not copies; fields that the schema doesn't
 * know are kept for writing. Hostile files are refused before they cost memory: see `scanWire`.
 *
 * @throws BlindspotError E_ONNX_NOT_A_MODEL, E_ONNX_TRUNCATED, E_ONNX_CORRUPT, E_ONNX_TOO_LARGE.
 */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): ModelProto {
  const label = options.label ?? "the model";
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  if (bytes.length === 0) throw notAModel(label, "an empty file");
  const known = LOOKALIKES.find((lookalike) => startsWith(bytes, lookalike.magic, lookalike.at ?? 0));
  if (known !== undefined) throw notAModel(label, known.what, known.hint);
  try {
    scanWire(bytes, ModelProtoSchema, label, limits);
  } catch (error) {
    throw beginsLikeModel(bytes) ? error : notAModel(label, "a file that doesn't begin like one", "Give a .onnx file");
  }
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes, { recursionLimit: limits.depth + 1 });
  } catch (error) {
    throw new BlindspotError(
      { code: "E_ONNX_CORRUPT", subject: label, expected: "an ONNX model", got: (error as Error).message },
      { cause: error },
    );
  }
  if (model.graph === undefined) throw notAModel(label, "a protobuf message without a graph");
  return model;
}

/** @throws BlindspotError E_ONNX_TOO_LARGE: above 2 GiB a model needs external data. */
export function encodeModel(model: ModelProto): Uint8Array {
  try {
    return toBinary(ModelProtoSchema, model);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const problem = { code: "E_ONNX_TOO_LARGE", subject: "the model", expected: "less than 2 GiB", got: error.message };
    throw new BlindspotError(problem, { cause: error });
  }
}
