import { contractOf } from "../corpus/contract.ts";
import type { Corpus } from "../corpus/corpus.ts";
import { type Entry, renditionOf, type Trust } from "../corpus/entry.ts";
import { threatsOf } from "../corpus/filter.ts";
import type { ModelRecord } from "../corpus/schema.ts";
import type { Version } from "./version.ts";

/** Samples in these states are replayed: those whose true class somebody told. */
export const REPLAYED: readonly Trust[] = ["trusted", "untrusted"];

/** One sample under one threat: what a version is asked. */
export interface Case {
  readonly entry: Entry;
  /** Its id; null for an input that no attack made under a stated threat. */
  readonly threat: string | null;
  /** The true class. */
  readonly label: string;
  /** Wrong classes that it was taken for, by name. */
  readonly taken: ReadonlySet<string>;
  /** Models that it was found on, as they were read. */
  readonly models: readonly ModelRecord[];
  /** All that decides what a version answers, as one text. */
  readonly decides: string;
}

/** Of a case in results, and of its place in a baseline. */
export function caseKey({ sample, threat }: { readonly sample: string; readonly threat: string | null }): string {
  return threat === null ? sample : `${sample} ${threat}`;
}

/** What there is to replay, by sample, then by threat: one that was found under several is a case under each of them. */
export async function casesOf(corpus: Corpus, entries: readonly Entry[]): Promise<readonly Case[]> {
  const known = new Map<string, Promise<ModelRecord | null>>();
  const modelOf = (digest: string) => {
    if (!known.has(digest)) known.set(digest, corpus.model(digest));
    return known.get(digest)!;
  };
  const cases: Case[] = [];
  for (const entry of [...entries].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    if (!REPLAYED.includes(entry.trust)) continue;
    const digests = [...new Set(entry.found.map(({ model }) => model))];
    const models = await Promise.all(digests.map(modelOf));
    const threats = entry.manifest.clean === null ? [] : threatsOf(entry).sort();
    const taken = [...new Set(entry.found.map(({ predicted }) => predicted.name))].sort();
    for (const threat of threats.length === 0 ? [null] : threats)
      cases.push({
        entry,
        threat,
        label: entry.label!.name,
        taken: new Set(taken),
        models: models.filter((record) => record !== null),
        decides: JSON.stringify([entry.id, renditionOf(entry, "witness"), threat, entry.label!.name, ...taken]),
      });
  }
  return cases;
}

/** Why what this version says of a sample can't be set beside what others said, or null. */
export function incomparable({ record, classifier }: Version, { entry, label, models }: Case): string | null {
  const [dims, size] = [entry.manifest.dims, classifier.dims].map((sizes) => sizes.join("x"));
  // What a model makes of rows and texts is its own.
  if (dims !== "" && dims !== size) return `the input is ${dims}, the model takes ${size}`;
  if (!record.classes.includes(label)) return `the model has no class '${label}'`;
  if (models.length === 0) return null;
  const own = contractOf(record);
  const alike = models.map(contractOf).filter(({ classes }) => classes === own.classes);
  if (alike.length === 0) return "the model's classes are others, or in another order, than when it was found";
  if (alike.every(({ inputs }) => inputs !== own.inputs))
    return "inputs are prepared in another way than when it was found";
  return null;
}
