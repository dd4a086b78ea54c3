import { BlindspotError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import {
  type Codec,
  type FieldValue,
  imageCodec,
  type RowSpace,
  rowCodec,
  textCodec,
  vectorCodec,
} from "../inputs/index.ts";
import { plainPng } from "../inputs/png.ts";
import { withHeader } from "../inputs/points.ts";
import { canonicalJson } from "../inputs/row/canonical-json.ts";
import { readUtf8 } from "../inputs/text/text-codec.ts";
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

/** `image 32x32x3, uint8`, `row`, `text`. */
export function formText({ modality, dims, values }: Form): string {
  return dims.length === 0 ? modality : `${modality} ${dims.join("x")}, ${values}`;
}

/** What a model makes of rows and texts, where a point of its attack space is asked for. */
export interface Reading {
  /** Of rows. */
  readonly rows?: RowSpace;
  /** Of texts: code points that fit. */
  readonly size?: number;
}

/**
 * Reads and writes the inputs of a sample. PNG by plain JavaScript: the same pixels are the same bytes on every machine. Throws for rows without their
 * schema, and for texts of no size.
 */
export function codecOf({ modality, dims, values }: Form, { rows, size }: Reading = {}): Codec {
  if (modality === "image") return imageCodec(dims, values === "uint8" ? "uint8" : "none", plainPng);
  if (modality === "vector") return vectorCodec(dims);
  if (modality === "row" && rows !== undefined) return rowCodec(rows);
  if (modality === "text" && size !== undefined) return textCodec(size);
  throw new BlindspotError({
    code: "E_CORPUS_READING",
    subject: `${modality} input`,
    expected: modality === "row" ? "the schema of the rows" : "a model that takes texts",
    hint: "Give the model that the sample was found with, or one of the same kind",
  });
}

export function formOf({ modality, dims, quantize }: Pick<Codec, "modality" | "dims" | "quantize">): Form {
  if (modality === "row") return { modality, dims: [], values: "json" };
  if (modality === "text") return { modality, dims: [], values: "utf-8" };
  return { modality, dims: [...dims], values: quantize === "uint8" ? "uint8" : "float32" };
}

/** Name of an input: SHA-256 of its canonical bytes, so that the same pixels in another file are the same input. */
export function digestOf(codec: Codec, point: Float32Array): string {
  return sha256(codec.canonical(point));
}

/** An input as it lies in a file, and its name. */
export interface InputFile {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/**
 * Checks a file that should hold an input of this form, and names it; what a model makes of it need not be known. Images come back as everybody
 * writes them. Throws where the file holds nothing of the form.
 */
export async function inputFile(form: Form, file: Uint8Array): Promise<InputFile> {
  if (form.modality === "text") {
    // As long as it is: each code point takes at least one byte.
    const codec = textCodec(file.length);
    return { digest: digestOf(codec, await codec.decode(file)), bytes: file };
  }
  if (form.modality === "row") {
    const bytes = new TextEncoder().encode(canonicalRow(readUtf8(file)));
    return { digest: sha256(withHeader("row json", bytes)), bytes };
  }
  const codec = codecOf(form);
  const point = await codec.decode(file);
  return { digest: digestOf(codec, point), bytes: (await codec.encode(point)).bytes };
}

/** A row as JSON, in the one way to write it. Throws for anything but an object of numbers, texts and booleans. */
function canonicalRow(text: string): string {
  const refuse = (got: string) =>
    new BlindspotError({
      code: "E_INPUT_TYPE",
      subject: "row input",
      expected: "a JSON object of numbers, texts, true and false",
      got,
    });
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    throw refuse("no JSON");
  }
  if (typeof record !== "object" || record === null || Array.isArray(record)) throw refuse("another JSON value");
  const other = Object.entries(record).find(([, value]) => !["number", "string", "boolean"].includes(typeof value));
  if (other !== undefined) throw refuse(`another value in '${other[0].slice(0, 60)}'`);
  try {
    return canonicalJson(record as Record<string, FieldValue>);
  } catch (error) {
    throw refuse((error as Error).message);
  }
}

/** 8-bit gray and RGB images are PNG, rows JSON, texts plain UTF-8, all else .npy. */
export function extensionOf({ modality, dims, values }: Form): "png" | "npy" | "json" | "txt" {
  if (modality === "row") return "json";
  if (modality === "text") return "txt";
  const channels = dims[2];
  return modality === "image" && values === "uint8" && (channels === 1 || channels === 3) ? "png" : "npy";
}
