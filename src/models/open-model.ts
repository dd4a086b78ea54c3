import { sha256 } from "../base/hash.ts";
import { Model, readModel, writeModel } from "../graph/index.ts";

/** A path, the bytes of an .onnx file (without external data), or a model in memory. */
export type ModelSource = string | Uint8Array | Model;

export interface OpenedModel {
  readonly model: Model;
  /** The file as it is, external data put in. */
  readonly bytes: Uint8Array;
  readonly label: string;
  /** Of `bytes`. */
  readonly sha256: string;
}

/** Throws what reading throws: `E_MODEL_...`, all problems at once. Only a path needs Node. */
export async function openModel(source: ModelSource, label?: string): Promise<OpenedModel> {
  if (typeof source === "string") {
    const { readModelFile } = await import("../onnx/external-data.ts");
    const file = await readModelFile(source);
    const name = label ?? source;
    return {
      model: readModel(file.model, { label: name }),
      bytes: file.model,
      label: name,
      sha256: sha256(file.model),
    };
  }
  const bytes = source instanceof Model ? writeModel(source) : source;
  const model = source instanceof Model ? source : readModel(bytes);
  return { model, bytes, label: label ?? "model", sha256: sha256(bytes) };
}
