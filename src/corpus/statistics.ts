import type { Contents } from "./corpus.ts";
import type { Entry } from "./entry.ts";
import { threatsOf } from "./filter.ts";

/** How many samples are of each name, largest first. A sample may count under several. */
export type Counts = readonly { readonly name: string; readonly samples: number }[];

export interface CorpusStatistics {
  readonly samples: number;
  readonly trust: Counts;
  readonly kinds: Counts;
  readonly pairs: Counts;
  readonly threats: Counts;
  readonly attacks: Counts;
  /** Models by file name and the first digits of their hash, in the order in which they first failed. */
  readonly models: readonly { readonly name: string; readonly samples: number; readonly isNew: number }[];
  readonly groups: number;
  readonly damaged: number;
  readonly notUnderstood: number;
}

function counts(entries: readonly Entry[], namesOf: (entry: Entry) => Iterable<string>): Counts {
  const sums = new Map<string, number>();
  for (const entry of entries) for (const name of new Set(namesOf(entry))) sums.set(name, (sums.get(name) ?? 0) + 1);
  return [...sums]
    .map(([name, samples]) => ({ name, samples }))
    .sort((a, b) => b.samples - a.samples || (a.name < b.name ? -1 : 1));
}

/** Counts, and nothing that would be a rate: the corpus was collected because models failed. */
export function corpusStatistics({ entries, problems, notUnderstood }: Contents): CorpusStatistics {
  const living = entries.filter(({ trust }) => trust !== "forgotten");
  return {
    samples: living.length,
    trust: counts(entries, ({ trust }) => [trust]),
    kinds: counts(living, ({ kinds }) => kinds),
    pairs: counts(living, (entry) => entry.found.map(({ predicted }) => `${entry.label?.name} as ${predicted.name}`)),
    threats: counts(living, threatsOf),
    attacks: counts(living, ({ found }) => found.flatMap(({ attack }) => (attack === undefined ? [] : [attack.name]))),
    models: modelCounts(living),
    groups: new Set(living.flatMap(({ groups }) => groups)).size,
    damaged: problems.length,
    notUnderstood: notUnderstood.length,
  };
}

/** A sample is new with the model that failed on it first: growth over versions. */
function modelCounts(entries: readonly Entry[]): CorpusStatistics["models"] {
  const models = new Map<string, { name: string; since: string; samples: number; isNew: number }>();
  for (const { found } of entries) {
    const seen = new Set<string>();
    for (const { model, modelName, at } of found) {
      const one = models.get(model) ?? { name: modelName, since: at, samples: 0, isNew: 0 };
      models.set(model, { ...one, since: at < one.since ? at : one.since });
      seen.add(model);
    }
    for (const model of seen) models.get(model)!.samples++;
    if (found.length > 0) models.get(found[0]!.model)!.isNew++;
  }
  return [...models.values()]
    .sort((a, b) => (a.since < b.since ? -1 : Number(a.since > b.since)))
    .map(({ name, samples, isNew }) => ({ name, samples, isNew }));
}
