import { pooled } from "../base/pooled.ts";
import { byKey, type Grouping, groupsIn, joined, likenessOf } from "./alike.ts";
import { canonicalText } from "./canonical-json.ts";
import type { Contents, Corpus, FileProblem } from "./corpus.ts";
import { type Entry, inputsOf, type Trust } from "./entry.ts";
import { type Counts, type Facet, type FacetName, facetsOf } from "./facets.ts";
import { classesIn, type Filter, matches } from "./filter.ts";
import type { Notes } from "./notes.ts";
import { type Sketch, sketchOf } from "./sketch.ts";
import { type CorpusStatistics, statisticsOf, type Tally, tallyOf } from "./statistics.ts";

export interface Listed {
  /** Newest first. */
  readonly entries: Iterable<Entry>;
  /** That fit the filter. */
  readonly total: number;
}

/** Pictures that are read at once. */
const PARALLEL = 16;

/** One line for each group of samples that are alike. */
export interface Leaders {
  /** Newest first: of each group the first member that fits the filter, and how many more do. */
  readonly leaders: Iterable<{ readonly entry: Entry; readonly more: number }>;
  readonly total: number;
}

export interface PairCount {
  readonly pair: string;
  readonly attack: string | null;
  readonly samples: number;
}

/** What lists and counts are answered from: the files themselves, or an index of them. Both give the same answers. */
export interface Catalog {
  /** Samples, forgotten ones too. */
  readonly samples: number;
  readonly problems: readonly FileProblem[];
  readonly notUnderstood: readonly string[];
  /** Every sample as it stands, by id. */
  contents(): Contents;
  /** Classes that samples are, or are taken for; without forgotten ones. */
  classes(): ReadonlySet<string>;
  /** @param limit of entries; null: all */
  list(filter: Filter, limit: number | null): Listed;
  /** Which of these inputs, by name, samples have that were not forgotten. */
  needed(inputs: readonly string[]): ReadonlySet<string>;
  /** How many samples are of each value of a facet. */
  counts(name: FacetName): Counts;
  /** Ids of samples in these states, sorted, a line each. */
  ids(states: readonly Trust[]): string;
  /** Which of these samples are there, forgotten ones too. */
  known(ids: readonly string[]): ReadonlySet<string>;
  /** Which of these facets samples have. */
  covered(facets: readonly Facet[]): readonly Facet[];
  /** Where what is worked out about samples can be kept for a purpose; null: nowhere. */
  notes(purpose: string): Notes | null;
  /** @param classes how many the models have, where they agree */
  statistics(classes: number | null): CorpusStatistics;
  /** Samples by class pair and attack, or kind of corruption; under several where several hold; null: none. */
  pairsByAttack(): readonly PairCount[];
  /**
   * Samples that are alike. Images that nobody looked at before are read, where others have the same key.
   * @param onRead how many of them are read
   * @param of a sample: only groups of its class pair and state, itself among them or not
   */
  alike(onRead?: (done: number, of: number) => void, of?: string): Promise<Grouping>;
  /** Samples whose groups only `alike` would tell. */
  readonly notGrouped: number;
  /** The same as `list`, with one line for each group; after `alike`. */
  leaders(filter: Filter, limit: number | null): Leaders;
  close(): void;
}

/** A catalog of a corpus as it is now; whoever asks for one closes it. */
export type Look = () => Promise<Catalog>;

export function byId(a: Entry, b: Entry): number {
  return a.id < b.id ? -1 : Number(a.id > b.id);
}

/** Answers from what was read of the files. */
export function catalogOf(corpus: Corpus, contents: Contents): Catalog {
  const { entries, problems, notUnderstood } = contents;
  const chosen = (filter: Filter) => entries.filter((entry) => matches(entry, filter)).sort(newestFirst);
  let grouping: Grouping | undefined;
  let counted: Tally | undefined;
  const tally = () => {
    counted ??= tallyOf(contents);
    return counted;
  };
  return {
    samples: entries.length,
    problems,
    notUnderstood,
    contents: () => contents,
    classes: () => classesIn(entries.filter(({ trust }) => trust !== "forgotten")),
    list(filter, limit) {
      const all = chosen(filter);
      return { entries: all.slice(0, limit ?? all.length), total: all.length };
    },
    needed(inputs) {
      const living = entries.filter(({ forgotten }) => forgotten === null);
      const had = new Set(living.flatMap(inputsOf));
      return new Set(inputs.filter((digest) => had.has(digest)));
    },
    counts: (name) => tally().counts(name),
    ids: (states) =>
      entries
        .filter(({ trust }) => states.includes(trust))
        .map(({ id }) => id)
        .sort()
        .join("\n"),
    known(ids) {
      const there = new Set(entries.map(({ id }) => id));
      return new Set(ids.filter((id) => there.has(id)));
    },
    covered(facets) {
      const keyOf = ({ name, value }: Facet) => `${name}\n${value}`;
      const had = new Set(entries.flatMap((entry) => facetsOf(entry).map(keyOf)));
      return facets.filter((facet) => had.has(keyOf(facet)));
    },
    notes: () => null,
    statistics: (classes) => statisticsOf(tally(), classes),
    pairsByAttack() {
      const counts = new Map<string, PairCount>();
      for (const entry of entries) {
        const facets = facetsOf(entry);
        const of = (wanted: FacetName) => facets.flatMap(({ name, value }) => (name === wanted ? [value] : []));
        const attacks = of("attack");
        for (const pair of of("pair"))
          for (const attack of attacks.length === 0 ? [null] : attacks) {
            const key = canonicalText([pair, attack]);
            counts.set(key, { pair, attack, samples: (counts.get(key)?.samples ?? 0) + 1 });
          }
      }
      return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
    },
    notGrouped: 0,
    async alike(onRead, of) {
      grouping ??= await groupingOf(corpus, entries, onRead);
      return of === undefined ? grouping : ofKey(grouping, entries, of);
    },
    leaders(filter, limit) {
      const places = placesIn(grouping!);
      const groups = new Map<string, Entry[]>();
      for (const entry of chosen(filter)) {
        const { leader } = places.get(entry.id) ?? { leader: entry.id };
        groups.set(leader, [...(groups.get(leader) ?? []), entry]);
      }
      const place = ({ id }: Entry) => places.get(id)?.place ?? 0;
      const leaders = [...groups.values()].map((members) => ({
        entry: members.reduce((a, b) => (place(b) < place(a) ? b : a)),
        more: members.length - 1,
      }));
      leaders.sort((a, b) => newestFirst(a.entry, b.entry));
      return { leaders: leaders.slice(0, limit ?? leaders.length), total: leaders.length };
    },
    close() {},
  };
}

async function groupingOf(
  corpus: Corpus,
  entries: readonly Entry[],
  onRead: (done: number, of: number) => void = () => {},
): Promise<Grouping> {
  const living = entries.filter(({ trust }) => trust !== "forgotten");
  const likely = living.flatMap((entry) => {
    const likeness = likenessOf(entry);
    return likeness === null ? [] : [{ ...likeness, manifest: entry.manifest }];
  });
  const buckets = byKey(likely).filter(({ length }) => length > 1);
  const unseen = buckets.flat().filter(({ image }) => image);
  const sketches = new Map<string, Sketch | null>();
  await pooled(unseen, PARALLEL, async ({ id, manifest }) => {
    sketches.set(id, await sketchOf(corpus, manifest));
    onRead(sketches.size, unseen.length);
  });
  return joined(
    buckets.map((bucket) =>
      groupsIn(
        bucket.map((one) => ({ ...one, sketch: sketches.get(one.id) ?? null })),
        living.length,
      ),
    ),
  );
}

/** The groups of the key of one sample. */
function ofKey({ groups, suspicious }: Grouping, entries: readonly Entry[], id: string): Grouping {
  const key = (one: string) => likenessOf(entries.find((entry) => entry.id === one)!)?.key;
  const own = key(id);
  const [some, large] = [groups, suspicious].map((all) => all.filter(({ leader }) => key(leader) === own));
  return { groups: some!, suspicious: large! };
}

function placesIn({ groups }: Grouping): Map<string, { leader: string; place: number }> {
  return new Map(groups.flatMap(({ leader, members }) => members.map((id, place) => [id, { leader, place }])));
}

function newestFirst(a: Entry, b: Entry): number {
  const [one, other] = [a.since ?? "", b.since ?? ""];
  if (one !== other) return one < other ? 1 : -1;
  return a.id < b.id ? -1 : 1;
}
