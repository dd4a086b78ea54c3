import { censoredQuantile } from "../assess/statistics.ts";
import type { Knowledge } from "../attacks/attack.ts";
import type { SampleRecord } from "../attacks/record.ts";
import type { EffortChart } from "./lesson.ts";

/** One kind of attacker on several samples. Samples that were wrong without any attack are not among them. */
export interface Race {
  /** The attacks that ran, one after the other on what still stood. */
  readonly name: string;
  readonly knowledge: Knowledge;
  /** For each attacked sample: the queries of all attacks on it, and whether one succeeded. */
  readonly tries: readonly { readonly queries: number; readonly fooled: boolean }[];
}

/** The races that these records hold, one for each profile that attacked. */
export function racesOf(records: readonly SampleRecord[]): Race[] {
  const races = new Map<Knowledge, { names: Set<string>; tries: Race["tries"][number][] }>();
  for (const { knowledge, status, attempts } of records.flatMap(({ profiles }) => profiles)) {
    if (attempts.length === 0) continue;
    const race = races.get(knowledge) ?? { names: new Set(), tries: [] };
    for (const { attack } of attempts) race.names.add(attack);
    const queries = attempts.reduce((sum, attempt) => sum + attempt.queries, 0);
    race.tries.push({ queries, fooled: status === "fooled" });
    races.set(knowledge, race);
  }
  return [...races].map(([knowledge, { names, tries }]) => ({ name: [...names].join(", "), knowledge, tries }));
}

/** Samples that were fooled within so many queries. */
export function wonWithin({ tries }: Race, queries: number): number {
  return tries.filter((one) => one.fooled && one.queries <= queries).length;
}

/** Queries that fool half of the samples; null: more than was spent. */
export function medianQueries({ tries }: Race): number | null {
  return censoredQuantile(
    tries.map(({ fooled, queries }) => (fooled ? queries : null)),
    0.5,
  );
}

export function totalQueries({ tries }: Race): number {
  return tries.reduce((sum, { queries }) => sum + queries, 0);
}

export function effortOf(races: readonly Race[]): EffortChart {
  const series = races.map(({ name, knowledge, tries }) => {
    const queries = tries.filter(({ fooled }) => fooled).map((one) => one.queries);
    return { name, knowledge, queries: queries.sort((a, b) => a - b), attacked: tries.length };
  });
  const ends = series.map(({ name, queries, attacked }) => `${name} ${queries.length} of ${attacked}`);
  return {
    kind: "effort",
    title: "Fooled, by the queries that it took",
    description: `Share of the attacked samples that are fooled within a number of queries. In the end: ${ends.join("; ")}.`,
    series,
  };
}
