import { z } from "zod";
import { BlindspotError } from "../base/errors.ts";
import { readUtf8 } from "../inputs/text/text-codec.ts";
import type { Corpus } from "./corpus.ts";
import type { Entry } from "./entry.ts";
import { type Form, type InputFile, inputFile } from "./identity.ts";
import type { Claim } from "./incoming.ts";
import { LIMITS, plain } from "./read.ts";
import { isForm, manifestSchema } from "./schema.ts";

export const BUNDLE_SCHEMA = "blindspot-bundle/1";

const text = z.string().max(4096);
const { modality, dims, values } = manifestSchema.shape;
/** Texts as they are, rows as objects, all else the base64 of its file (PNG or .npy). */
const side = z
  .union([z.string().max(2 * LIMITS.blobBytes), z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))])
  .describe("a text as it is, a row as an object, else the base64 of its file (PNG or .npy)");

/** One line. What a reader does not know it passes over. */
export const bundleLineSchema = z
  .object({
    schema: z.literal(BUNDLE_SCHEMA),
    id: text.optional().describe("told, never believed: a reader makes it anew"),
    modality,
    dims,
    values,
    input: side,
    clean: side.nullable().default(null),
    kind: z.enum(["adversarial", "natural", "corruption", "reported"]),
    label: text.describe("true class, as the writer says"),
    predicted: text.optional(),
    threat: text.optional(),
    group: text.optional(),
  })
  .refine(isForm, "modality, dims and values that fit together")
  .describe("one line of a bundle: a sample with its inputs inside");

type Side = z.infer<typeof side>;

/** The published schema, by its file name in `schemas/`. */
export function bundleJsonSchema(): Record<string, unknown> {
  return { "bundle.schema.json": z.toJSONSchema(bundleLineSchema, { io: "input" }) };
}

/**
 * Samples as JSON Lines, each with its inputs inside: for programs that do not know a corpus. What happened to a sample is not told; a corpus of its own (`corpus export
 * --out DIR`) keeps that. Samples that nobody has given a class are left out.
 */
export async function* bundleOf(corpus: Corpus, entries: readonly Entry[]): AsyncGenerator<string> {
  for (const { id, manifest, kinds, label, predicted, found, groups } of entries) {
    if (label === null) continue;
    const [threat] = found.flatMap((one) => one.threat ?? []);
    const [group] = groups;
    const { clean } = manifest;
    yield JSON.stringify({
      schema: BUNDLE_SCHEMA,
      id,
      modality: manifest.modality,
      dims: manifest.dims,
      values: manifest.values,
      input: sideOf(manifest, await corpus.file(manifest, "input")),
      clean: clean === null ? null : sideOf(manifest, await corpus.file(manifest, "clean")),
      kind: kinds[0] ?? "reported",
      label: label.name,
      ...(predicted === null ? {} : { predicted: predicted.name }),
      ...(threat === undefined ? {} : { threat }),
      ...(group === undefined ? {} : { group }),
    });
  }
}

function sideOf({ modality: kind }: Form, bytes: Uint8Array): Side {
  if (kind === "text") return readUtf8(bytes);
  if (kind === "row") return JSON.parse(readUtf8(bytes)) as Side;
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/** One line of a bundle, its inputs decoded and named. Its word counts for nothing: not its id, not its class. Throws where it is no sample. */
export async function readBundleLine(line: string, source: Claim["data"]): Promise<Claim> {
  const refuse = (got: string) =>
    new BlindspotError({ code: "E_BUNDLE", subject: source.spec, expected: `a line of ${BUNDLE_SCHEMA}`, got });
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw refuse("no JSON");
  }
  const parsed = bundleLineSchema.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw refuse(plain(`${path.map(String).join(".") || "the whole"}: ${message}`));
  }
  const { input, clean, kind, label, group, ...form } = parsed.data;
  const { id } = parsed.data;
  const read = async (one: Side) => inputFile(form, bytesOf(form, one, refuse));
  return {
    form: { modality: form.modality, dims: form.dims, values: form.values },
    input: await read(input),
    clean: clean === null ? null : await read(clean),
    kind,
    label: { name: label },
    data: { ...source, ...(id === undefined ? {} : { sample: id }), ...(group === undefined ? {} : { group }) },
  };
}

function bytesOf({ modality: kind }: Form, one: Side, refuse: (got: string) => Error): InputFile["bytes"] {
  if ((kind === "row") !== (typeof one === "object")) throw refuse(`no input of a ${kind}`);
  if (typeof one === "object") return new TextEncoder().encode(JSON.stringify(one));
  if (kind === "text") {
    if (/\p{Surrogate}/u.test(one)) throw refuse("a text with half a surrogate pair");
    return new TextEncoder().encode(one);
  }
  try {
    return Uint8Array.from(atob(one), (character) => character.charCodeAt(0));
  } catch {
    throw refuse("no base64");
  }
}
