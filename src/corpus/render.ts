import { BlindspotError } from "../base/errors.ts";
import { pooled } from "../base/pooled.ts";
import {
  type Judge,
  type Limits,
  minimize,
  NOISE_RADIUS,
  rayDistance,
  STALL,
  type Stability,
  type Subject,
  shrinkingOf,
  stability,
  strengthened,
  WITNESS_GAP,
} from "../minimize/index.ts";
import { isMasked } from "../threats/box.ts";
import { linf } from "../threats/lp.ts";
import { threatOfId } from "../threats/parse.ts";
import type { Threat } from "../threats/threat.ts";
import type { Corpus } from "./corpus.ts";
import type { Entry } from "./entry.ts";
import { codecOf, type Reading } from "./identity.ts";
import type { EventBody, RenderedEvent } from "./schema.ts";

/** The model that decides, as it was read. */
export interface RenderingModel {
  readonly judge: Judge;
  /** Name of its record in the corpus. */
  readonly record: string;
  /** In the order of its outputs. */
  readonly classes: readonly string[];
  readonly dims: readonly number[];
  /** What rows and texts are to it. */
  readonly reading?: Reading;
}

export interface RenderOptions {
  /** Of one minimization; default: what fits the modality. */
  readonly queries?: number;
  /** Milliseconds by `Date.now`; what is under way ends with what it has. */
  readonly deadline?: number;
  readonly signal?: AbortSignal;
  /** Also samples that were rendered for this model before. */
  readonly again?: boolean;
  /** Samples under way at once; default: what fills the batches of a model. */
  readonly atOnce?: number;
  /** Whether distances and stability are measured, too, for about 80 queries more a sample (default true). */
  readonly measures?: boolean;
  /** Called after each sample. */
  readonly onDone?: (done: Rendered) => void;
}

/** What became of one sample. */
export type Rendered = { readonly id: string } & (
  | { readonly state: "rendered"; readonly minimal: RenderedFacts | null; readonly witness: RenderedFacts }
  | { readonly state: "done before" }
  | { readonly state: "left out" | "not reproduced"; readonly why: string }
);

export interface RenderedFacts {
  readonly input: string;
  readonly queries: number;
  readonly changed: { readonly from: number; readonly to: number };
  readonly margin: number;
  readonly stop: RenderedEvent["stop"];
  readonly guarantee: RenderedEvent["guarantee"];
}

const AT_ONCE = 48;
/** Reasons that say nothing about the sample: the same command goes on. */
const CUT_SHORT: ReadonlySet<RenderedEvent["stop"]> = new Set(["aborted", "deadline"]);

/**
 * Makes and stores the other renditions of samples: the witness, hardened with a margin inside its threat, and the minimal input, shrunk with a
 * margin floor. Each is stored as soon as it is made, its input before the event that vouches for it; a sample that was finished for this model
 * before is passed over, so that the same call goes on where it was stopped.
 */
export async function render(
  corpus: Corpus,
  entries: readonly Entry[],
  model: RenderingModel,
  options: RenderOptions = {},
): Promise<readonly Rendered[]> {
  const results = await pooled(entries, options.atOnce ?? AT_ONCE, async (entry) => {
    if (options.signal?.aborted || Date.now() >= (options.deadline ?? Number.POSITIVE_INFINITY)) return null;
    const done = await renderOne(corpus, entry, model, options);
    // A model that answers no more leaves nothing that could be verified.
    if (done.state === "left out" && options.signal?.aborted) return null;
    options.onDone?.(done);
    return done;
  });
  return results.filter((one) => one !== null);
}

/** Whether both renditions of a sample were finished for a model. */
export function isRendered({ renditions, manifest }: Pick<Entry, "renditions" | "manifest">, model: string): boolean {
  const kinds = renditions.filter((one) => one.model === model && !CUT_SHORT.has(one.stop));
  const wanted = shrinkingOf(manifest) === null ? (["witness"] as const) : (["witness", "minimal"] as const);
  return wanted.every((kind) => kinds.some(({ rendition }) => rendition === kind));
}

async function renderOne(
  corpus: Corpus,
  entry: Entry,
  model: RenderingModel,
  options: RenderOptions,
): Promise<Rendered> {
  const { id } = entry;
  if (isRendered(entry, model.record) && options.again !== true) return { id, state: "done before" };
  const why = unfit(entry, model);
  if (why !== null) return { id, state: "left out", why };
  try {
    return await new Rendering(corpus, entry, model, options).perform();
  } catch (error) {
    if (!(error instanceof BlindspotError) || /^E_(DISK_FULL|CORPUS_DISK)/.test(error.code)) throw error;
    return { id, state: "left out", why: error.message };
  }
}

/** Why a sample has no other renditions, or null. */
function unfit({ manifest, trust, label, found }: Entry, { classes, dims }: RenderingModel): string | null {
  if (trust === "forgotten" || trust === "rejected" || trust === "unlabelled") return trust;
  if (manifest.clean === null) return "it has no clean side";
  if (label === null || !classes.includes(label.name)) return `the model has no class '${label?.name}'`;
  if (manifest.dims.length > 0 && manifest.dims.join() !== dims.join())
    return `it is ${manifest.dims.join("x")}, the model takes ${dims.join("x")}`;
  return found.length === 0 && trust === "untrusted" ? "only an import claims its class" : null;
}

class Rendering {
  private readonly corpus: Corpus;
  private readonly entry: Entry;
  private readonly model: RenderingModel;
  private readonly options: RenderOptions;

  constructor(corpus: Corpus, entry: Entry, model: RenderingModel, options: RenderOptions) {
    this.corpus = corpus;
    this.entry = entry;
    this.model = model;
    this.options = options;
  }

  async perform(): Promise<Rendered> {
    const { id } = this.entry;
    const { judge, classes } = this.model;
    const subject = await this.subject();
    const label = classes.indexOf(this.entry.label!.name);
    const shrinking = shrinkingOf(subject.codec);
    const limits = this.limits(shrinking?.queries ?? 0);
    const { measures = true } = this.options;
    const strong = await strengthened(subject, label, judge, limits);
    if (strong === null) return { id, state: "not reproduced", why: "the model gets the input right" };
    const from = changes(subject, subject.wrong);
    const { stop, gap } = strong;
    const floor = Math.min(gap, WITNESS_GAP);
    const witness = await this.store("witness", subject, { ...strong, floor, guarantee: "none" }, from);
    if (measures && !CUT_SHORT.has(stop)) await this.measureRay(subject, label);
    if (shrinking === null) return { id, state: "rendered", witness, minimal: null };
    const left = { ...limits, queries: Math.max(0, limits.queries - strong.queries) };
    const shrunk = await minimize({ ...subject, wrong: strong.point }, label, judge, shrinking.strategy, left);
    if (shrunk.state === "not reproduced") return { id, state: "not reproduced", why: shrunk.why };
    const nothing = CUT_SHORT.has(shrunk.stop) && shrunk.point === strong.point;
    const minimal = nothing ? null : await this.store("minimal", subject, shrunk, from);
    return { id, state: "rendered", witness, minimal };
  }

  private limits(most: number): Limits {
    const { queries = most, deadline, signal } = this.options;
    return {
      queries,
      stall: STALL,
      ...(deadline === undefined ? {} : { deadline }),
      ...(signal === undefined ? {} : { signal }),
    };
  }

  private async subject(): Promise<Subject & { readonly threat: Threat }> {
    const { manifest, id } = this.entry;
    const { reading } = this.model;
    const [wrong, clean] = await Promise.all([
      this.corpus.point(manifest, "input", reading),
      this.corpus.point(manifest, "clean", reading),
    ]);
    const codec = codecOf(manifest, reading);
    return { id, wrong, clean, codec, threat: this.threat(clean, wrong) };
  }

  /** What the sample was found under. Of a masked threat it is known what was changed; without any threat that alone may change. */
  private threat(clean: Float32Array, wrong: Float32Array): Threat {
    const { manifest } = this.entry;
    const quantize = manifest.values === "uint8" ? "uint8" : "none";
    const id = threatIdOf(this.entry);
    const changed = Uint8Array.from(wrong, (value, i) => Number(value !== clean[i]));
    if (id === undefined) return linf(1, { quantize, mask: changed });
    const mask = isMasked(id) ? changed : null;
    const { classes, reading } = this.model;
    const rows = reading?.rows;
    return threatOfId(id, {
      classes: classes.length,
      dims: manifest.dims,
      mask,
      ...(rows === undefined ? {} : { rows }),
    });
  }

  private async measureRay(subject: Subject & { readonly threat: Threat }, label: number): Promise<void> {
    const { norm } = subject.threat;
    // Counts of pixels, fields and edits do not shrink along a line.
    if (norm !== "linf" && norm !== "l2") return;
    const { distance, queries } = await rayDistance(subject, label, this.model.judge);
    await this.corpus.append(this.entry.id, {
      event: "measured",
      rendition: "raw",
      model: this.model.record,
      measure: "ray-distance",
      value: rounded(distance),
      evidence: "upper-bound",
      queries,
    });
  }

  private async store(
    rendition: RenderedEvent["rendition"],
    subject: Subject,
    made: {
      readonly point: Float32Array;
      readonly predicted: number;
      readonly gap: number;
      readonly floor: number;
      readonly queries: number;
      readonly stop: RenderedEvent["stop"];
      readonly guarantee: RenderedEvent["guarantee"];
    },
    from: number,
  ): Promise<RenderedFacts> {
    const { point, predicted, gap, floor, queries, stop, guarantee } = made;
    const { judge, record, classes } = this.model;
    const { modality } = subject.codec;
    // Small noise on a row or a text is no row and no text.
    const { measures = true } = this.options;
    const steady =
      measures && (modality === "image" || modality === "vector")
        ? await stability({ ...subject, wrong: point }, predicted, judge)
        : null;
    const input = await this.corpus.storeInput(subject.codec, point);
    const to = changes(subject, point);
    const threat = threatIdOf(this.entry);
    const body: EventBody = {
      event: "rendered",
      rendition,
      input,
      model: record,
      predicted: { name: classes[predicted]!, index: predicted },
      ...(threat === undefined ? {} : { threat }),
      marginFloor: rounded(floor),
      margin: rounded(gap),
      changed: to,
      ...(steady === null ? {} : { stability: stabilityFacts(steady) }),
      guarantee,
      stop,
      queries,
    };
    await this.corpus.append(this.entry.id, body);
    return { input, queries, changed: { from, to }, margin: gap, stop, guarantee };
  }
}

function stabilityFacts({ share, sampling95: { low, high }, queries: draws }: Stability): RenderedEvent["stability"] {
  return { share, low: rounded(low), high: rounded(high), radius: rounded(NOISE_RADIUS), draws };
}

/** Id of the threat that a sample was first found under. */
function threatIdOf({ found }: Entry): string | undefined {
  return found.find(({ threat }) => threat !== undefined)?.threat;
}

/** What people count: pixels, values, fields. */
function changes(subject: Subject, x: Float32Array): number {
  return shrinkingOf(subject.codec)?.strategy.rank(x, subject)[0] ?? 0;
}

/** Digits beyond these are the machine's. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
