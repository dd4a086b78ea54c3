import type { Contents } from "./corpus.ts";
import { type Coverage, coverageOf } from "./coverage.ts";
import type { Entry } from "./entry.ts";
import { CELL_FAMILIES, type Counts, type FacetName, facetsOf } from "./facets.ts";

/** A model in which samples were found. */
export interface ModelGrowth {
  /** Of its file. */
  readonly name: string;
  readonly samples: number;
  /** Samples that it failed on first. */
  readonly isNew: number;
  /** Boundary cells that its new samples covered first. */
  readonly newCells: number;
}

export interface CorpusStatistics {
  readonly samples: number;
  readonly trust: Counts;
  readonly kinds: Counts;
  readonly pairs: Counts;
  readonly threats: Counts;
  readonly attacks: Counts;
  /** In the order in which they first failed: growth over versions. */
  readonly models: readonly ModelGrowth[];
  readonly coverage: readonly Coverage[];
  /** When a sample last covered a cell that none had covered before. */
  readonly lastNewCell: string | null;
  readonly groups: number;
  readonly damaged: number;
  readonly notUnderstood: number;
}

/** A boundary cell, and the sample that covered it first. */
export interface FirstInCell {
  readonly since: string;
  readonly firstModel: string | null;
}

/** What statistics are made of, wherever it was counted. */
export interface Tally {
  /** Without forgotten ones. */
  readonly samples: number;
  counts(name: FacetName): Counts;
  /** By first failure. */
  readonly models: readonly { readonly digest: string; readonly name: string }[];
  readonly firsts: Iterable<FirstInCell>;
  readonly damaged: number;
  readonly notUnderstood: number;
}

export function ordered(sums: Iterable<readonly [name: string, samples: number]>): Counts {
  return [...sums]
    .map(([name, samples]) => ({ name, samples }))
    .sort((a, b) => b.samples - a.samples || (a.name < b.name ? -1 : 1));
}

/**
 * Counts, and nothing that would be a rate: the corpus was collected because models failed.
 * @param classes how many classes the models have, where they agree
 */
export function statisticsOf(tally: Tally, classes: number | null): CorpusStatistics {
  const cells = new Map<string, number>();
  let lastNewCell: string | null = null;
  for (const { since, firstModel } of tally.firsts) {
    if (firstModel !== null) cells.set(firstModel, (cells.get(firstModel) ?? 0) + 1);
    if (lastNewCell === null || since > lastNewCell) lastNewCell = since;
  }
  const byDigest = (name: FacetName) => new Map(tally.counts(name).map((one) => [one.name, one.samples]));
  const [all, fresh] = [byDigest("model"), byDigest("first model")];
  return {
    samples: tally.samples,
    trust: tally.counts("trust"),
    kinds: tally.counts("kind"),
    pairs: tally.counts("pair"),
    threats: tally.counts("threat"),
    attacks: tally.counts("attack"),
    models: tally.models.map(({ digest, name }) => ({
      name,
      samples: all.get(digest) ?? 0,
      isNew: fresh.get(digest) ?? 0,
      newCells: cells.get(digest) ?? 0,
    })),
    coverage: CELL_FAMILIES.map((family) => coverageOf(family, tally.counts(family), classes)).filter(
      ({ samples }) => samples > 0,
    ),
    lastNewCell,
    groups: tally.counts("group").length,
    damaged: tally.damaged,
    notUnderstood: tally.notUnderstood,
  };
}

/** Counted from the files themselves. */
export function tallyOf({ entries, problems, notUnderstood }: Contents): Tally {
  const sums = new Map<FacetName, Map<string, number>>();
  const firsts = new Map<string, FirstInCell>();
  const families: ReadonlySet<FacetName> = new Set(CELL_FAMILIES);
  for (const entry of [...entries].sort(oldestFirst))
    for (const { name, value } of facetsOf(entry)) {
      const values = sums.get(name) ?? new Map<string, number>();
      sums.set(name, values.set(value, (values.get(value) ?? 0) + 1));
      const cell = `${name}\n${value}`;
      if (families.has(name) && !firsts.has(cell))
        firsts.set(cell, { since: entry.since ?? "", firstModel: entry.found[0]?.model ?? null });
    }
  return {
    samples: entries.filter(({ trust }) => trust !== "forgotten").length,
    counts: (name) => ordered(sums.get(name) ?? []),
    models: modelsOf(entries.filter(({ trust }) => trust !== "forgotten").flatMap(({ found }) => found)),
    firsts: firsts.values(),
    damaged: problems.length,
    notUnderstood: notUnderstood.length,
  };
}

function oldestFirst(a: Entry, b: Entry): number {
  const [one, other] = [a.since ?? "", b.since ?? ""];
  return one === other ? (a.id < b.id ? -1 : 1) : one < other ? -1 : 1;
}

/** Models in the order in which they first failed, each by the name that its file had then. */
export function modelsOf(
  found: Iterable<{ readonly model: string; readonly modelName: string; readonly at: string }>,
): { digest: string; name: string }[] {
  const models = new Map<string, { name: string; at: string }>();
  for (const { model, modelName: name, at } of found) {
    const known = models.get(model);
    if (known === undefined || at < known.at || (at === known.at && name < known.name)) models.set(model, { name, at });
  }
  return [...models]
    .sort(([a, one], [b, other]) => (one.at === other.at ? (a < b ? -1 : 1) : one.at < other.at ? -1 : 1))
    .map(([digest, { name }]) => ({ digest, name }));
}
