import { hashDistance, hashWords } from "../inputs/measures/index.ts";
import { canonicalText } from "./canonical-json.ts";
import type { Entry } from "./entry.ts";
import type { FoundEvent } from "./schema.ts";
import type { Sketch } from "./sketch.ts";

/** What says of a sample which others it is like, as far as its events tell. */
export interface Likeness {
  readonly id: string;
  /** State, class pair, and what was changed where that is told: samples of different keys are never alike. */
  readonly key: string;
  /** Name of the clean side; of the input itself where there is none. */
  readonly seed: string;
  /** How far it is from its clean side: fields, words, or L2. The smallest leads. */
  readonly size: number;
  /** Whether its sketch says the rest. */
  readonly image: boolean;
}

/** With the sketch of an image, where it could be read. */
export interface Seen extends Likeness {
  readonly sketch: Sketch | null;
}

/** Samples that are alike, at least two. */
export interface Group {
  /** The one with the smallest change; of equal ones the smallest id. */
  readonly leader: string;
  /** By change and id: the leader first. */
  readonly members: readonly string[];
}

export interface Grouping {
  readonly groups: readonly Group[];
  /** Too large to be believed: their samples stand alone. */
  readonly suspicious: readonly Group[];
}

/** Seeds whose hashes differ in at most this many of 256 bits count as one: of two such hashes one of the eight words is equal. */
const NEAR = 7;
/** A larger group says more of its key than of its members; so does one of more than this share of the corpus, small groups apart. */
const LARGEST = 25;
const LARGEST_SHARE = 0.2;
const NEVER_LARGE = 5;

/** Null of what is alike to none: forgotten, without both classes, or changed in a way that nobody has told. */
export function likenessOf(entry: Entry): Likeness | null {
  const { id, manifest, trust, label, predicted, found } = entry;
  const { modality, dims, input, clean } = manifest;
  if (trust === "forgotten" || label === null || predicted === null) return null;
  const image = modality === "image";
  const where = image ? null : whereText(found);
  if (!image && where === null) return null;
  const distance = found.find((one) => one.distance !== undefined)?.distance;
  const size = distance?.fields ?? distance?.words ?? distance?.l2 ?? (clean === null ? 0 : Number.MAX_VALUE);
  const key = canonicalText([modality, dims, trust, label.name, predicted.name, where]);
  return { id, key, seed: clean ?? input, size, image };
}

/** The fields, or the kinds of edits and their thirds of the text. */
function whereText(found: readonly FoundEvent[]): string | null {
  const [where] = found.flatMap((one) => one.where ?? []);
  const parts = where?.fields ?? where?.edits;
  return parts === undefined ? null : canonicalText([...new Set(parts)].sort());
}

/** Samples by their keys. */
export function byKey<T extends Likeness>(all: Iterable<T>): T[][] {
  const buckets = new Map<string, T[]>();
  for (const one of all) buckets.get(one.key)?.push(one) ?? buckets.set(one.key, [one]);
  return [...buckets.values()];
}

/**
 * The groups among samples of one key: same seed, or a chain of near ones, and the same kind of change. A pure function of the set: the order plays no part.
 * Where near seeds make a group too large to be believed, only equal ones do.
 * @param samples of the whole corpus, for the share that one group may have
 */
export function groupsIn(bucket: readonly Seen[], samples: number): Grouping {
  const largest = Math.min(LARGEST, Math.max(NEVER_LARGE, LARGEST_SHARE * samples));
  const groups: Group[] = [];
  const suspicious: Group[] = [];
  const seen = bucket.filter(({ image, sketch }) => !image || sketch !== null);
  for (const changed of partition(seen, ({ sketch }) => sketch?.change ?? ""))
    for (const near of nearSeeds(partition(changed, ({ seed }) => seed))) {
      const believed = near.flat().length <= largest ? [near.flat()] : near;
      for (const members of believed)
        if (members.length > 1) (members.length <= largest ? groups : suspicious).push(groupOf(members));
    }
  return { groups: groups.sort(byLeader), suspicious: suspicious.sort(byLeader) };
}

/** What several keys gave. */
export function joined(parts: readonly Grouping[]): Grouping {
  return {
    groups: parts.flatMap(({ groups }) => groups).sort(byLeader),
    suspicious: parts.flatMap(({ suspicious }) => suspicious).sort(byLeader),
  };
}

function byLeader(a: Group, b: Group): number {
  return a.leader < b.leader ? -1 : 1;
}

function groupOf(members: readonly Likeness[]): Group {
  const sorted = [...members].sort((a, b) => a.size - b.size || (a.id < b.id ? -1 : 1)).map(({ id }) => id);
  return { leader: sorted[0]!, members: sorted };
}

function partition<T>(all: readonly T[], of: (one: T) => string): T[][] {
  const parts = new Map<string, T[]>();
  for (const one of all) parts.get(of(one))?.push(one) ?? parts.set(of(one), [one]);
  return [...parts.values()];
}

/** Seeds joined where a chain of near hashes leads from one to the other. */
function nearSeeds(seeds: readonly Seen[][]): Seen[][][] {
  const root = seeds.map((_, i) => i);
  const find = (i: number): number => {
    let at = i;
    while (root[at] !== at) at = root[at] = root[root[at]!]!;
    return at;
  };
  // Equal hashes are one, whatever their number.
  const first = new Map<string, number>();
  const words = seeds.map(([one]) => (one!.sketch?.seed == null ? null : hashWords(one!.sketch.seed)));
  const withWord = new Map<string, number[]>();
  for (const [i, own] of words.entries()) {
    const same = first.get(String(own));
    if (own !== null && same !== undefined) {
      root[find(i)] = find(same);
      continue;
    }
    first.set(String(own), i);
    for (const [place, word] of own?.entries() ?? []) {
      const others = withWord.get(`${place} ${word}`) ?? [];
      withWord.set(`${place} ${word}`, others);
      for (const other of others)
        if (find(i) !== find(other) && hashDistance(own!, words[other]!) <= NEAR) root[find(i)] = find(other);
      others.push(i);
    }
  }
  return partition(
    seeds.map((seed, i) => ({ seed, part: String(find(i)) })),
    ({ part }) => part,
  ).map((part) => part.map(({ seed }) => seed));
}
