import { sha256 } from "../base/hash.ts";
import { canonicalText } from "./canonical-json.ts";
import { extensionOf, type Form } from "./identity.ts";

/**
 * Where everything lies. Names are made of hashes alone: never of what a file says, lower case, under 100 characters, spread over 256
 * folders, and the same content has the same name on every machine.
 */
export const FORMAT_FILE = "FORMAT";
export const ROOTS = ["samples", "events", "models", "blobs"] as const;

const SAMPLE = /^([0-9a-f]{64})\.json$/;
const EVENT = /^([0-9a-f]{16})-([0-9a-f]{64})\.json$/;
const BLOB = /^([0-9a-f]{64})\.([a-z]{2,5})$/;
/** Digits of the sample's id that the names of its events begin with: a folder's list says which files to read. */
const PREFIX = 16;

/** The 256 folders of a root. */
export const SHARDS: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

function shard(hash: string): string {
  return hash.slice(0, 2);
}

export function samplePath(id: string): string {
  return `samples/${shard(id)}/${id}.json`;
}

export function eventFolder(sample: string): string {
  return `events/${shard(sample)}`;
}

/** Events are named by their bytes. */
export function eventPath(sample: string, text: string): string {
  return `${eventFolder(sample)}/${eventPrefix(sample)}-${sha256(text)}.json`;
}

/** What the names of a sample's events begin with. */
export function eventPrefix(sample: string): string {
  return sample.slice(0, PREFIX);
}

export function belongsTo(eventName: string, sample: string): boolean {
  return eventName.startsWith(`${eventPrefix(sample)}-`);
}

export function modelPath(digest: string): string {
  return `models/${digest}.json`;
}

export function blobPath(digest: string, form: Form): string {
  return `blobs/${shard(digest)}/${digest}.${extensionOf(form)}`;
}

/** The id in the name of a manifest; null for any other name. */
export function sampleOfName(name: string): string | null {
  return SAMPLE.exec(name)?.[1] ?? null;
}

/** Beginning of the sample's id, and hash of the bytes, in the name of an event. */
export function eventOfName(name: string): { readonly prefix: string; readonly digest: string } | null {
  const match = EVENT.exec(name);
  return match === null ? null : { prefix: match[1]!, digest: match[2]! };
}

export function blobOfName(name: string): string | null {
  return BLOB.exec(name)?.[1] ?? null;
}

/** Text and path of a record that is named by its bytes. */
export function modelFile(record: object): { readonly digest: string; readonly path: string; readonly text: string } {
  const text = canonicalText(record);
  const digest = sha256(text);
  return { digest, path: modelPath(digest), text };
}
