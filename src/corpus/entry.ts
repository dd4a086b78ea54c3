import { canonicalText } from "./canonical-json.ts";
import type {
  ClassRef,
  CorpusEvent,
  ForgottenEvent,
  FoundEvent,
  JudgedEvent,
  Kind,
  Manifest,
  MeasuredEvent,
  RenderedEvent,
  WaivedEvent,
} from "./schema.ts";

/**
 * How far a sample can be relied on. `trusted`: its true label stands (it came with labelled data that was assessed here, or a person
 * gave it). `unlabelled`: nobody said what it is. `untrusted`: only an import claims its label. `rejected`: a person says that it
 * is no error. `forgotten`: its inputs are gone.
 */
export type Trust = "trusted" | "unlabelled" | "untrusted" | "rejected" | "forgotten";

/** A boundary sample as it stands now: its manifest, and all that happened to it. */
export interface Entry {
  readonly manifest: Manifest;
  readonly id: string;
  /** Oldest first. */
  readonly events: readonly CorpusEvent[];
  readonly kinds: readonly Kind[];
  readonly trust: Trust;
  readonly label: ClassRef | null;
  /** What it was taken for, when it was first found. */
  readonly predicted: ClassRef | null;
  readonly found: readonly FoundEvent[];
  readonly judged: JudgedEvent | null;
  readonly renditions: readonly RenderedEvent[];
  readonly measures: readonly MeasuredEvent[];
  /** The latest; whether it still holds is a matter of the day. */
  readonly waived: WaivedEvent | null;
  readonly forgotten: ForgottenEvent | null;
  readonly groups: readonly string[];
  /** Of its first event. */
  readonly since: string | null;
}

/** What is replayed, or shown, of a sample. */
export type Rendition = RenderedEvent["rendition"] | "raw";

/**
 * Name of the input that stands for a rendition: the one that was made last, for this model where one is named. A sample that was never
 * hardened is its own witness; null where there is no such rendition.
 */
export function renditionOf({ manifest, renditions }: Entry, wanted: Rendition, model?: string): string | null {
  if (wanted === "raw") return manifest.input;
  const made = renditions.findLast((one) => one.rendition === wanted && (model === undefined || one.model === model));
  return made?.input ?? (wanted === "witness" ? manifest.input : null);
}

/** Names of all inputs of a sample, with those of its renditions. */
export function inputsOf({ manifest: { input, clean }, renditions }: Pick<Entry, "manifest" | "renditions">): string[] {
  return [input, ...(clean === null ? [] : [clean]), ...renditions.map((one) => one.input)];
}

/** A person's word and a tombstone are events like any other: what stands is computed, and equal for equal sets of events. */
export function entryOf(manifest: Manifest, stored: Iterable<CorpusEvent>): Entry {
  const events = [...stored].sort(byTime);
  const of = <K extends CorpusEvent["event"]>(kind: K) =>
    events.filter((event): event is Extract<CorpusEvent, { event: K }> => event.event === kind);
  const [found, imported, reported] = [of("found"), of("imported"), of("reported")];
  const judged = of("judged").at(-1) ?? null;
  const forgotten = of("forgotten").at(-1) ?? null;
  const said = of("judged").findLast(({ label }) => label !== undefined);
  const label = said?.label ?? found[0]?.label ?? imported[0]?.label ?? null;
  const kinds = [...found, ...imported, ...reported].sort(byTime).map(({ kind }) => kind);
  const groups = [...found, ...imported].map(({ data }) => data.group).concat(reported.map(({ group }) => group));
  return {
    manifest,
    id: manifest.id,
    events,
    kinds: [...new Set(kinds)],
    trust: trustOf({ forgotten, judged, labelled: said !== undefined || found.length > 0, claimed: label !== null }),
    label,
    predicted: found[0]?.predicted ?? null,
    found,
    judged,
    renditions: of("rendered"),
    measures: of("measured"),
    waived: of("waived").at(-1) ?? null,
    forgotten,
    groups: [...new Set(groups.filter((group) => group !== undefined))],
    since: events[0]?.at ?? null,
  };
}

function trustOf(facts: {
  readonly forgotten: unknown;
  readonly judged: JudgedEvent | null;
  readonly labelled: boolean;
  readonly claimed: boolean;
}): Trust {
  if (facts.forgotten !== null) return "forgotten";
  if (facts.judged !== null && facts.judged.verdict !== "valid") return "rejected";
  if (facts.labelled) return "trusted";
  return facts.claimed ? "untrusted" : "unlabelled";
}

/** By time; at one moment by content, so that every clone sees the same order. */
function byTime(a: CorpusEvent, b: CorpusEvent): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1;
  const [one, other] = [canonicalText(a), canonicalText(b)];
  return one < other ? -1 : Number(one > other);
}

/**
 * What an event says, without when and by which run: an event that says what the sample's events say already is not stored again.
 * A person may change their mind and change it back: judgements are compared with the latest one alone.
 */
export function saysNothingNew(body: Record<string, unknown>, events: readonly CorpusEvent[]): boolean {
  const rivals = body["event"] === "judged" ? events.filter(({ event }) => event === "judged").slice(-1) : events;
  const meaning = meaningOf(body);
  return rivals.some((event) => meaningOf(event) === meaning);
}

function meaningOf({ schema: _s, sample: _i, at: _a, tool: _t, run: _r, ...rest }: Record<string, unknown>): string {
  // The same discovery by the same model, threat and attack: queries and scores may differ in the last digit on another machine.
  if (rest["event"] === "found") {
    const { kind, model, threat, attack, corruption, label, predicted } = rest as unknown as FoundEvent;
    const how = attack === undefined ? null : [attack.name, attack.knowledge, attack.seed, attack.settings];
    const facts = ["found", kind, model, threat ?? null, how, label.name, predicted.name];
    return canonicalText(corruption === undefined ? facts : [...facts, corruption]);
  }
  // The same of these: scores in the last digits are the machine's.
  if (rest["event"] === "rendered") {
    const { rendition, input, model, threat, guarantee, stop } = rest as unknown as RenderedEvent;
    return canonicalText(["rendered", rendition, input, model, threat ?? null, guarantee, stop]);
  }
  return canonicalText(rest);
}
