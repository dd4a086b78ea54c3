import { BlindspotError, internalError } from "../base/errors.ts";
import { pooled } from "../base/pooled.ts";
import type { Codec } from "../inputs/codec.ts";
import { canonicalText } from "./canonical-json.ts";
import { type Entry, entryOf, saysNothingNew } from "./entry.ts";
import type { CorpusFolder } from "./folder.ts";
import {
  codecOf,
  digestOf,
  type Form,
  formOf,
  type InputFile,
  inputFile,
  manifestOf,
  manifestText,
  type Reading,
} from "./identity.ts";
import {
  belongsTo,
  blobPath,
  eventFolder,
  eventPath,
  FORMAT_FILE,
  modelFile,
  ROOTS,
  SHARDS,
  sampleOfName,
  samplePath,
} from "./layout.ts";
import { LIMITS, type Read, readEvent, readManifest, readModelRecord } from "./read.ts";
import {
  CORPUS_FORMAT,
  type CorpusEvent,
  EVENT_SCHEMA,
  type EventBody,
  eventSchema,
  type Manifest,
  MODEL_SCHEMA,
  type ModelRecord,
} from "./schema.ts";
import { GIT_ATTRIBUTES, GIT_IGNORE, README } from "./texts.ts";

/** Files that are read at once. */
const PARALLEL = 32;

export interface CorpusOptions {
  readonly toolVersion?: string;
  readonly now?: () => Date;
}

/** A sample that is to be stored. */
export interface NewSample {
  readonly codec: Codec;
  readonly point: Float32Array;
  /** What it was made from, or null. */
  readonly clean: Float32Array | null;
  readonly events: readonly EventBody[];
}

/** The same, from files, where no codec reads them yet: a row without its schema, a text. */
export interface NewFiles {
  readonly form: Form;
  readonly input: InputFile;
  readonly clean: InputFile | null;
  readonly events: readonly EventBody[];
}

export interface Added {
  readonly id: string;
  /** Whether the corpus did not have it. */
  readonly isNew: boolean;
  /** Events that said something new. */
  readonly events: number;
  /** It was forgotten before: nothing was stored. */
  readonly forgotten: boolean;
}

/** A file that could not be used, and why. */
export interface FileProblem {
  readonly path: string;
  readonly problem: string;
}

export interface Contents {
  /** By id. */
  readonly entries: readonly Entry[];
  /** Files that are damaged: what they held is not shown. */
  readonly problems: readonly FileProblem[];
  /** Files of another version of this program: kept, and not understood. */
  readonly notUnderstood: readonly string[];
}

/** An input of a sample, by its part or by the name of a rendition. */
type Side = "input" | "clean" | { readonly digest: string };

const encoder = new TextEncoder();

/**
 * A collection of boundary samples that only grows: immutable files, named by their content. Reading never changes anything; two may write
 * at once; a writer that is killed leaves nothing half-true, and the same call again completes it.
 */
export class Corpus {
  readonly folder: CorpusFolder;
  private readonly toolVersion: string;
  private readonly now: () => Date;

  private constructor(folder: CorpusFolder, { toolVersion = "0", now = () => new Date() }: CorpusOptions) {
    this.folder = folder;
    this.toolVersion = toolVersion;
    this.now = now;
  }

  /** Opens a corpus that exists. Throws for any other folder, and for a corpus of another format. */
  static async open(folder: CorpusFolder, options: CorpusOptions = {}): Promise<Corpus> {
    const bytes = await folder.read(FORMAT_FILE, LIMITS.textBytes);
    const line = bytes === null ? null : new TextDecoder().decode(bytes).split("\n")[0]!.trim();
    if (line === CORPUS_FORMAT) return new Corpus(folder, options);
    const [name, number] = line?.split(" ") ?? [];
    if (name === CORPUS_FORMAT.split(" ")[0] && Number.isInteger(Number(number)))
      throw new BlindspotError({
        code: "E_CORPUS_VERSION",
        subject: folder.name,
        expected: CORPUS_FORMAT,
        got: `${name} ${number}`,
        hint: "It was written by another version of Blindspot, and is left as it is",
      });
    throw new BlindspotError({
      code: "E_CORPUS_MISSING",
      subject: folder.name,
      expected: "a folder with a boundary corpus",
      got: line === null ? "no folder, or none with a file FORMAT" : "another FORMAT",
      hint: "Store something first: blindspot assess --corpus DIR, or blindspot corpus add --corpus DIR",
    });
  }

  /** Opens a corpus, or begins one in an empty or missing folder. */
  static async create(folder: CorpusFolder, options: CorpusOptions = {}): Promise<Corpus> {
    const names = await folder.list("");
    if (names.includes(FORMAT_FILE)) return Corpus.open(folder, options);
    const started = new Set([...ROOTS, ...Object.keys(OPENING), ".tmp", ".git", ".index"]);
    const others = names.filter((name) => !started.has(name));
    if (others.length > 0)
      throw new BlindspotError({
        code: "E_CORPUS_NOT_EMPTY",
        subject: folder.name,
        expected: "a boundary corpus, or an empty folder to begin one in",
        got: `other files: ${others.slice(0, 5).join(", ")}`,
        hint: "Give another folder with --corpus",
      });
    // FORMAT last: a folder that has it has all of them.
    for (const [name, text] of Object.entries(OPENING)) await folder.write(name, encoder.encode(text));
    await folder.write(FORMAT_FILE, encoder.encode(`${CORPUS_FORMAT}\n`));
    return new Corpus(folder, options);
  }

  /**
   * Stores a sample and what is known about it; what is there already is not written again. Blobs come first, then events, the manifest
   * last: it vouches for the others.
   */
  async add(sample: NewSample | NewFiles): Promise<Added> {
    const { events } = sample;
    const { form, input, clean } = "codec" in sample ? prepared(sample) : sample;
    const manifest = manifestOf(form, input.digest, clean?.digest ?? null);
    const { id } = manifest;
    const [known, held] = await Promise.all([readManifest(this.folder, samplePath(id)), this.eventsOf(id)]);
    if (held.some(({ event }) => event === "forgotten")) return { id, isNew: false, events: 0, forgotten: true };
    for (const side of [input, clean]) if (side !== null) await this.storeFile(form, side);
    const written = await this.writeEvents(id, events, held);
    if (known.state !== "good") await this.folder.write(samplePath(id), encoder.encode(manifestText(manifest)));
    return { id, isNew: known.state !== "good", events: written, forgotten: false };
  }

  /** Adds to what is known about a sample that the corpus has. Returns how many events said something new. */
  async append(id: string, ...events: readonly EventBody[]): Promise<number> {
    return this.writeEvents(id, events, await this.eventsOf(id));
  }

  private async writeEvents(id: string, events: readonly EventBody[], held: readonly CorpusEvent[]): Promise<number> {
    const all = [...held];
    let written = 0;
    for (const body of events) {
      if (saysNothingNew(body, all)) continue;
      const stamp = { schema: EVENT_SCHEMA, sample: id, at: this.now().toISOString(), tool: this.toolVersion } as const;
      const event: CorpusEvent = { ...stamp, ...body };
      const text = canonicalText(event);
      // What can't be read back must not be written: a number that is none becomes null in JSON.
      if (!eventSchema.safeParse(JSON.parse(text)).success) throw internalError(`no event: ${text.slice(0, 200)}`);
      await this.folder.write(eventPath(id, text), encoder.encode(text));
      all.push(event);
      written++;
    }
    return written;
  }

  /** Stores how a model was read; returns the name of the record. */
  async storeModel(model: Omit<ModelRecord, "schema">): Promise<string> {
    const { digest, path, text } = modelFile({ schema: MODEL_SCHEMA, ...model });
    if ((await readModelRecord(this.folder, digest)).state !== "good")
      await this.folder.write(path, encoder.encode(text));
    return digest;
  }

  async model(digest: string): Promise<ModelRecord | null> {
    const read = await readModelRecord(this.folder, digest);
    return read.state === "good" ? read.value : null;
  }

  /** All records that can be read. */
  async models(): Promise<ModelRecord[]> {
    const names = await this.folder.list("models");
    const records = await Promise.all(names.map((file) => this.model(file.replace(/\.json$/, ""))));
    return records.filter((record) => record !== null);
  }

  /** Stores one input (a rendition, say) unless it is there, whole; returns its name. */
  async storeInput(codec: Codec, point: Float32Array): Promise<string> {
    const { form, input } = prepared({ codec, point, clean: null });
    await this.storeFile(form, input);
    return input.digest;
  }

  /** What lies under this name, if anything, may be damaged: these are the bytes that the name asks for. */
  async storeFile(form: Form, { digest, bytes }: Prepared | InputFile): Promise<void> {
    if ((await this.readFile(form, digest)).state === "good") return;
    await this.folder.write(blobPath(digest, form), typeof bytes === "function" ? await bytes() : bytes);
  }

  /** The file of this name: read, and compared with its name. */
  async readFile(form: Form, digest: string): Promise<Read<InputFile>> {
    return this.attempt(form, digest, (bytes) => inputFile(form, bytes));
  }

  /** The input of this name, as a point: decoded, and compared with its name. */
  async readInput(form: Form, digest: string, reading?: Reading): Promise<Read<Float32Array>> {
    return this.attempt(form, digest, async (bytes) => {
      const codec = codecOf(form, reading);
      const point = await codec.decode(bytes);
      return { digest: digestOf(codec, point), point };
    }).then((read) => (read.state === "good" ? { state: "good", value: read.value.point } : read));
  }

  private async attempt<T extends { readonly digest: string }>(
    form: Form,
    digest: string,
    read: (bytes: Uint8Array) => Promise<T>,
  ): Promise<Read<T>> {
    try {
      const bytes = await this.folder.read(blobPath(digest, form), LIMITS.blobBytes);
      if (bytes === null) return { state: "missing" };
      const value = await read(bytes);
      if (value.digest === digest) return { state: "good", value };
      return { state: "bad", problem: "not what its name says: it was changed" };
    } catch (error) {
      if (!(error instanceof BlindspotError) || error.code === "E_CORPUS_DISK") throw error;
      return { state: "bad", problem: error.problems[0]!.got ?? error.code };
    }
  }

  /**
   * An input of a sample: as it was found, its clean side, or another of its renditions by name (see `renditionOf`). Throws where it is missing or
   * damaged: it is never skipped in silence.
   */
  async point(manifest: Manifest, side: Side, reading?: Reading): Promise<Float32Array> {
    return this.whole(manifest, side, (digest) => this.readInput(manifest, digest, reading));
  }

  /** The same as its file. */
  async file(manifest: Manifest, side: Side): Promise<Uint8Array> {
    return (await this.whole(manifest, side, (digest) => this.readFile(manifest, digest))).bytes;
  }

  private async whole<T>(manifest: Manifest, side: Side, read: (digest: string) => Promise<Read<T>>): Promise<T> {
    const digest = typeof side === "string" ? manifest[side] : side.digest;
    const found = digest === null ? ({ state: "missing" } as const) : await read(digest);
    if (found.state === "good") return found.value;
    throw new BlindspotError({
      code: "E_CORPUS_BLOB",
      subject: `sample ${manifest.id.slice(0, 12)}`,
      where: digest === null ? "clean" : blobPath(digest, manifest),
      expected: "the input as it was stored",
      got: found.state === "bad" ? found.problem : "no such file",
      hint: "blindspot corpus verify lists all that is damaged; git brings it back",
    });
  }

  /**
   * The readable events of one sample.
   * @param held names in its folder of events, where they are known
   */
  async eventsOf(id: string, held?: readonly string[]): Promise<CorpusEvent[]> {
    const folder = eventFolder(id);
    const names = (held ?? (await this.folder.list(folder))).filter((name) => belongsTo(name, id));
    const read = await pooled(names, PARALLEL, (name) => readEvent(this.folder, `${folder}/${name}`));
    return read.flatMap((one) => (one.state === "good" && one.value.sample === id ? [one.value] : []));
  }

  /** Every sample as it stands. */
  async read(): Promise<Contents> {
    const parts = await pooled(SHARDS, 8, (shard) => this.readPart(shard));
    const problems = parts.flatMap((part) => part.problems).sort((a, b) => (a.path < b.path ? -1 : 1));
    const notUnderstood = parts.flatMap((part) => part.notUnderstood).sort();
    return { entries: parts.flatMap(({ entries }) => entries), problems, notUnderstood };
  }

  /** The samples whose ids begin with one of `SHARDS`. */
  async readPart(shard: string): Promise<Contents> {
    const problems: FileProblem[] = [];
    const notUnderstood: string[] = [];
    const events = await this.all(`events/${shard}`, readEvent, problems, notUnderstood);
    const bySample = new Map<string, CorpusEvent[]>();
    for (const event of events) bySample.set(event.sample, [...(bySample.get(event.sample) ?? []), event]);
    const manifests = await this.all(`samples/${shard}`, readManifest, problems, notUnderstood);
    const entries = manifests.map((manifest) => entryOf(manifest, bySample.get(manifest.id) ?? []));
    return { entries, problems, notUnderstood };
  }

  private async all<T>(
    folder: string,
    reader: (folder: CorpusFolder, path: string) => Promise<Read<T>>,
    problems: FileProblem[],
    notUnderstood: string[],
  ): Promise<T[]> {
    const paths = (await this.folder.list(folder)).map((name) => `${folder}/${name}`);
    const read = await pooled(paths, PARALLEL, (path) => reader(this.folder, path));
    return read.flatMap((one, i) => {
      if (one.state === "good") return [one.value];
      if (one.state === "newer") notUnderstood.push(`${paths[i]!} (${one.schema})`);
      if (one.state === "bad") problems.push({ path: paths[i]!, problem: one.problem });
      return [];
    });
  }

  /** The one sample whose id begins so. Throws for none, and for several. */
  async find(prefix: string): Promise<Entry> {
    const wanted = prefix.toLowerCase();
    const valid = /^[0-9a-f]{4,64}$/.test(wanted);
    const names = valid ? await this.folder.list(`samples/${wanted.slice(0, 2)}`) : [];
    const ids = names.map(sampleOfName).filter((id) => id?.startsWith(wanted)) as string[];
    const refuse = (got: string, hint: string) =>
      new BlindspotError({ code: "E_CORPUS_ID", subject: this.folder.name, expected: "one sample", got, hint });
    if (!valid) throw refuse(`'${prefix}'`, "Give the first digits of its id, at least four");
    if (ids.length === 0) throw refuse(`none whose id begins with ${wanted}`, "See blindspot corpus ls");
    if (ids.length > 1)
      throw refuse(
        `${ids.length} that begin with ${wanted}: ${ids
          .slice(0, 5)
          .map((id) => id.slice(0, 16))
          .join(", ")}`,
        "Give more digits",
      );
    const manifest = await readManifest(this.folder, samplePath(ids[0]!));
    if (manifest.state === "good") return entryOf(manifest.value, await this.eventsOf(ids[0]!));
    const got = manifest.state === "bad" ? manifest.problem : manifest.state === "newer" ? manifest.schema : "no file";
    throw new BlindspotError({ code: "E_CORPUS_FILE", subject: samplePath(ids[0]!), expected: "a sample", got });
  }
}

/** An input and its name; its file is made when it is needed. */
interface Prepared {
  readonly digest: string;
  bytes(): Promise<Uint8Array>;
}

function prepared({ codec, point, clean }: Omit<NewSample, "events">) {
  const form = formOf(codec);
  // Images as everybody writes them, whatever wrote this one.
  const writer = form.modality === "image" ? codecOf(form) : codec;
  const side = (x: Float32Array): Prepared => ({
    digest: digestOf(codec, x),
    bytes: async () => (await writer.encode(x)).bytes,
  });
  return { form, input: side(point), clean: clean === null ? null : side(clean) };
}

const OPENING: Readonly<Record<string, string>> = {
  ".gitattributes": GIT_ATTRIBUTES,
  ".gitignore": GIT_IGNORE,
  "README.md": README,
};
