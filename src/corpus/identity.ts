import { BlindspotError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import { type Codec, imageCodec, vectorCodec } from "../inputs/index.ts";
import { plainPng } from "../inputs/png.ts";
import { canonicalText } from "./canonical-json.ts";
import { type Manifest, SAMPLE_SCHEMA } from "./schema.ts";

/** How the inputs of a sample are laid out. */
export type Form = Pick<Manifest, "modality" | "dims" | "values">;

/**
 * SHA-256 over the version tag, the modality, the canonical input and the canonical clean input. The inputs enter by their own SHA-256,
 * so that an id can be checked without them: after `forget`, or where blobs are kept elsewhere.
 */
export function sampleId({ modality, input, clean }: Pick<Manifest, "modality" | "input" | "clean">): string {
  return sha256(`${SAMPLE_SCHEMA}\n${modality}\n${input}\n${clean ?? "none"}\n`);
}

/** The manifest of these inputs; the same for everybody. */
export function manifestOf({ modality, dims, values }: Form, input: string, clean: string | null): Manifest {
  const id = sampleId({ modality, input, clean });
  return { schema: SAMPLE_SCHEMA, id, modality, dims: [...dims], values, input, clean };
}

export function manifestText(manifest: Manifest): string {
  return canonicalText(manifest);
}

/** Reads and writes the inputs of a sample. PNG by plain JavaScript: the same pixels are the same bytes on every machine. */
export function codecOf({ modality, dims, values }: Form): Codec {
  const quantize = values === "uint8" ? "uint8" : "none";
  return modality === "image" ? imageCodec(dims, quantize, plainPng) : vectorCodec(dims);
}

/** Images and vectors. What a row means stands in a schema that the corpus does not keep yet. */
export function isStorable(modality: Codec["modality"]): modality is Form["modality"] {
  return modality === "image" || modality === "vector";
}

export function requireStorable(modality: Codec["modality"]): asserts modality is Form["modality"] {
  if (isStorable(modality)) return;
  throw new BlindspotError({
    code: "E_CORPUS_MODALITY",
    subject: "boundary corpus",
    expected: "images or vectors",
    got: `inputs of kind '${modality}'`,
    hint: "This version can't store them; give --corpus none",
  });
}

/** Throws for a modality that a corpus can't hold yet. */
export function formOf({ modality, dims, quantize }: Pick<Codec, "modality" | "dims" | "quantize">): Form {
  requireStorable(modality);
  return { modality, dims: [...dims], values: quantize === "uint8" ? "uint8" : "float32" };
}

/** Name of an input: SHA-256 of its canonical bytes, so that the same pixels in another file are the same input. */
export function digestOf(codec: Codec, point: Float32Array): string {
  return sha256(codec.canonical(point));
}

/** 8-bit gray and RGB images are PNG, all else .npy. */
export function extensionOf({ modality, dims, values }: Form): "png" | "npy" {
  const channels = dims[2];
  return modality === "image" && values === "uint8" && (channels === 1 || channels === 3) ? "png" : "npy";
}
