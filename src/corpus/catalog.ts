import type { Contents, FileProblem } from "./corpus.ts";
import type { Entry } from "./entry.ts";
import { classesIn, type Filter, matches } from "./filter.ts";
import { type CorpusStatistics, statisticsOf, tallyOf } from "./statistics.ts";

export interface Listed {
  /** Newest first. */
  readonly entries: Iterable<Entry>;
  /** That fit the filter. */
  readonly total: number;
}

/** What lists and counts are answered from: the files themselves, or an index of them. Both give the same answers. */
export interface Catalog {
  /** Samples, forgotten ones too. */
  readonly samples: number;
  readonly problems: readonly FileProblem[];
  readonly notUnderstood: readonly string[];
  /** Classes that samples are, or are taken for; without forgotten ones. */
  classes(): ReadonlySet<string>;
  /** @param limit of entries; null: all */
  list(filter: Filter, limit: number | null): Listed;
  /** @param classes how many the models have, where they agree */
  statistics(classes: number | null): CorpusStatistics;
  close(): void;
}

/** Answers from what was read of the files. */
export function catalogOf(contents: Contents): Catalog {
  const { entries, problems, notUnderstood } = contents;
  return {
    samples: entries.length,
    problems,
    notUnderstood,
    classes: () => classesIn(entries.filter(({ trust }) => trust !== "forgotten")),
    list(filter, limit) {
      const chosen = entries.filter((entry) => matches(entry, filter)).sort(newestFirst);
      return { entries: chosen.slice(0, limit ?? chosen.length), total: chosen.length };
    },
    statistics: (classes) => statisticsOf(tallyOf(contents), classes),
    close() {},
  };
}

function newestFirst(a: Entry, b: Entry): number {
  const [one, other] = [a.since ?? "", b.since ?? ""];
  if (one !== other) return one < other ? 1 : -1;
  return a.id < b.id ? -1 : 1;
}
