import { BlindspotError } from "../base/errors.ts";
import { type Codec, imageCodec, type Pixels, vectorCodec } from "../inputs/index.ts";
import { plainPng } from "../inputs/png.ts";
import { fromLevels } from "../inputs/points.ts";
import type { StoredInput } from "../inputs/stored.ts";
import type { Added, Corpus } from "./corpus.ts";
import { digestOf, type Form, formOf, formText, type InputFile, inputFile } from "./identity.ts";
import type { ClassRef, EventBody, Kind } from "./schema.ts";

/** An input that came from outside of any run. */
export interface Incoming {
  readonly form: Form;
  readonly input: InputFile;
}

/** Pixels of an image file. */
export async function incomingImage({ height, width, channels, data }: Pixels): Promise<Incoming> {
  return incoming(imageCodec([height, width, channels], "uint8", plainPng), fromLevels(data));
}

/** A float array: an image in height-width-channel order, or a vector; values in 0..1. */
export async function incomingArray({ dims, values }: StoredInput): Promise<Incoming> {
  if (dims.length !== 1 && dims.length !== 3)
    throw new BlindspotError({
      code: "E_INPUT_SHAPE",
      subject: "input array",
      expected: "[features], or [height, width, channels]",
      got: dims.join("x"),
    });
  return incoming(dims.length === 3 ? imageCodec(dims, "none", plainPng) : vectorCodec(dims), values);
}

/** A row as JSON, or a text as it is. What a model makes of them need not be known. */
export async function incomingFile(modality: "row" | "text", bytes: Uint8Array): Promise<Incoming> {
  const form: Form = { modality, dims: [], values: modality === "row" ? "json" : "utf-8" };
  return { form, input: await inputFile(form, bytes) };
}

async function incoming(codec: Codec, point: Float32Array): Promise<Incoming> {
  return { form: formOf(codec), input: await asFile(codec, point) };
}

export interface Report {
  readonly kind: Kind;
  /** Name of the file, without folders. */
  readonly file: string;
  /** The true class, by a person's word; without it the sample is an open question. */
  readonly label?: string;
  readonly by: string;
  readonly group?: string;
  readonly note?: string;
}

/** Stores what somebody reported. */
export async function storeReport(
  corpus: Corpus,
  { form, input }: Incoming,
  clean: Incoming | null,
  { kind, file, label, by, group, note }: Report,
): Promise<Added> {
  if (clean !== null && formText(clean.form) !== formText(form))
    throw new BlindspotError({
      code: "E_INPUT_SHAPE",
      subject: "--clean",
      expected: formText(form),
      got: formText(clean.form),
    });
  const known = label === undefined ? null : await classOf(corpus, label);
  const events: EventBody[] = [
    {
      event: "reported",
      kind,
      file,
      ...(group === undefined ? {} : { group }),
      ...(note === undefined ? {} : { note }),
    },
    ...(known === null ? [] : [{ event: "judged", by, verdict: "valid", label: known } as const]),
  ];
  return corpus.add({ form, input, clean: clean?.input ?? null, events });
}

/** The class of this name. Once the corpus knows a model, a name that no model has is a typing error. */
async function classOf(corpus: Corpus, name: string): Promise<ClassRef> {
  const known = [...new Set((await corpus.models()).flatMap(({ classes }) => classes))];
  if (known.length === 0 || known.includes(name)) return { name };
  throw new BlindspotError({
    code: "E_CORPUS_LABEL",
    subject: `--label ${name}`,
    expected: `a class of the models in this corpus: ${known.slice(0, 50).join(", ")}${known.length > 50 ? ", ..." : ""}`,
  });
}

/** An input of a source that others made, with what the source says of it. */
export interface Claim {
  readonly form: Form;
  readonly input: InputFile;
  readonly clean: InputFile | null;
  readonly kind: Kind;
  readonly label: ClassRef;
  readonly data: Extract<EventBody, { event: "imported" }>["data"];
}

/** Names an input and writes it as a corpus does. */
export async function asFile(codec: Codec, point: Float32Array): Promise<InputFile> {
  return { digest: digestOf(codec, point), bytes: (await codec.encode(point)).bytes };
}

/**
 * Stores what another tool made. Its class is a claim: it counts once a model was seen to make the mistake (`found`), or a person answers for it (`by`).
 */
export async function storeImport(
  corpus: Corpus,
  { form, input, clean, kind, label, data }: Claim,
  found: FoundBody | null,
  by: string | null,
): Promise<Added> {
  const events: EventBody[] = [{ event: "imported", kind, label, data }];
  if (found !== null) events.push(found);
  if (by !== null) events.push({ event: "judged", by, verdict: "valid", label });
  return corpus.add({ form, input, clean, events });
}

type FoundBody = Extract<EventBody, { event: "found" }>;
