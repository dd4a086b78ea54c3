import { BlindspotError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import type { CorpusFolder } from "./folder.ts";
import { manifestText, sampleId } from "./identity.ts";
import { eventOfName, eventPath, modelPath, sampleOfName } from "./layout.ts";
import {
  type CorpusEvent,
  EVENT_SCHEMA,
  eventSchema,
  type Manifest,
  MODEL_SCHEMA,
  type ModelRecord,
  manifestSchema,
  modelRecordSchema,
  SAMPLE_SCHEMA,
} from "./schema.ts";

const KIB = 1024;
/** What one file may take: a corpus may come from anybody. */
export const LIMITS = { textBytes: 256 * KIB, modelBytes: 4096 * KIB, blobBytes: 64 * KIB * KIB } as const;

/** A file as it was understood: `newer` ones hold what another version of this program wrote, and are kept as they are. */
export type Read<T> =
  | { readonly state: "good"; readonly value: T }
  | { readonly state: "newer"; readonly schema: string }
  | { readonly state: "bad"; readonly problem: string }
  | { readonly state: "missing" };

async function readText(folder: CorpusFolder, path: string, limit: number): Promise<Read<string>> {
  try {
    const bytes = await folder.read(path, limit);
    if (bytes === null) return { state: "missing" };
    return { state: "good", value: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch (error) {
    if (error instanceof BlindspotError) return { state: "bad", problem: error.problems[0]!.got ?? error.code };
    if (error instanceof TypeError) return { state: "bad", problem: "no UTF-8" };
    throw error;
  }
}

interface Parser<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false; error: { issues: readonly Issue[] } };
}
interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function parse<T>(text: string, schema: string, parser: Parser<T>): Read<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { state: "bad", problem: "no JSON" };
  }
  const parsed = parser.safeParse(value);
  if (parsed.success) return { state: "good", value: parsed.data };
  const named = (value as { schema?: unknown } | null)?.schema;
  const family = schema.slice(0, schema.indexOf("/") + 1);
  if (typeof named === "string" && named !== schema && named.startsWith(family) && named.length < 60)
    return { state: "newer", schema: plain(named) };
  const { path, message } = parsed.error.issues[0]!;
  return { state: "bad", problem: plain(`${path.map(String).join(".") || "the whole"}: ${message}`) };
}

/** What a file says may stand in a message: no control characters, and not at any length. */
export function plain(text: string): string {
  return (text.length > 160 ? `${text.slice(0, 160)}...` : text).replaceAll(/\p{C}/gu, "?");
}

/** A manifest, if it is what its name says. */
export async function readManifest(folder: CorpusFolder, path: string): Promise<Read<Manifest>> {
  const text = await readText(folder, path, LIMITS.textBytes);
  if (text.state !== "good") return text;
  const read = parse<Manifest>(text.value, SAMPLE_SCHEMA, manifestSchema);
  if (read.state !== "good") return read;
  const id = sampleOfName(path.slice(path.lastIndexOf("/") + 1));
  const same = sampleId(read.value) === id && read.value.id === id && manifestText(read.value) === text.value;
  return same ? read : { state: "bad", problem: "not what its name says: it was changed" };
}

/** An event with its text, if it is what its name says. An event of a kind that this version does not know counts as newer. */
export async function readEvent(folder: CorpusFolder, path: string): Promise<Read<CorpusEvent>> {
  const text = await readText(folder, path, LIMITS.textBytes);
  if (text.state !== "good") return text;
  const changed = { state: "bad", problem: "not what its name says: it was changed" } as const;
  if (eventOfName(path.slice(path.lastIndexOf("/") + 1))?.digest !== sha256(text.value)) return changed;
  const read = parse<CorpusEvent>(text.value, EVENT_SCHEMA, eventSchema);
  if (read.state === "good") return eventPath(read.value.sample, text.value) === path ? read : changed;
  const kind = read.state === "bad" ? unknownKind(text.value) : null;
  return kind === null ? read : { state: "newer", schema: kind };
}

const KNOWN_EVENTS: ReadonlySet<string> = new Set(eventSchema.options.map(({ shape }) => shape.event.value));

function unknownKind(text: string): string | null {
  try {
    const { schema, event } = JSON.parse(text) as { schema?: unknown; event?: unknown };
    const unknown = schema === EVENT_SCHEMA && typeof event === "string" && !KNOWN_EVENTS.has(event);
    return unknown ? `event '${plain(event)}'` : null;
  } catch {
    return null;
  }
}

export async function readModelRecord(folder: CorpusFolder, digest: string): Promise<Read<ModelRecord>> {
  const text = await readText(folder, modelPath(digest), LIMITS.modelBytes);
  if (text.state !== "good") return text;
  if (sha256(text.value) !== digest) return { state: "bad", problem: "not what its name says: it was changed" };
  return parse<ModelRecord>(text.value, MODEL_SCHEMA, modelRecordSchema);
}
