import { sha256 } from "../base/hash.ts";
import { Model, readModel, writeModel } from "../graph/index.ts";
import { takesTokens } from "./text/takes-text.ts";
import type { TokenizerFiles } from "./text/tokenizer.ts";

/** A path, the bytes of an .onnx file (without external data), a model in memory, or one that was opened before. */
export type ModelSource = string | Uint8Array | Model | OpenedModel;

export interface OpenedModel {
  readonly model: Model;
  /** The file as it is, external data put in. */
  readonly bytes: Uint8Array;
  readonly label: string;
  /** Of `bytes`. */
  readonly sha256: string;
  /** What stands beside a model of tokens. */
  readonly tokenizer?: TokenizerFiles;
}

/** Throws what reading throws: `E_MODEL_...`, all problems at once. Only a path needs Node. */
export async function openModel(source: ModelSource, label?: string): Promise<OpenedModel> {
  if (typeof source === "string") {
    const { readModelFile } = await import("../onnx/external-data.ts");
    const file = await readModelFile(source);
    const name = label ?? source;
    const model = readModel(file.model, { label: name });
    const opened = { model, bytes: file.model, label: name, sha256: sha256(file.model) };
    if (!takesTokens(model)) return opened;
    const tokenizer = await (await import("./files.ts")).readTokenizerBeside(source);
    return tokenizer === null ? opened : { ...opened, tokenizer };
  }
  if (!(source instanceof Model) && !(source instanceof Uint8Array))
    return label === undefined ? source : { ...source, label };
  const bytes = source instanceof Model ? writeModel(source) : source;
  const model = source instanceof Model ? source : readModel(bytes);
  return { model, bytes, label: label ?? "model", sha256: sha256(bytes) };
}
