import type { Knowledge } from "../attacks/attack.ts";
import type { AttemptRecord, SampleRecord } from "../attacks/record.ts";
import { percent, plural } from "../report/format.ts";
import type { LessonChart } from "./lesson.ts";

/** One attack on several samples: what its attempts cost. Samples that were wrong without any attack have no attempt. */
export interface Race {
  readonly name: string;
  readonly knowledge: Knowledge;
  readonly attempts: readonly AttemptRecord[];
}

/** The races that these records hold: one for each attack that ran, in order. */
export function racesOf(records: readonly SampleRecord[]): Race[] {
  const races = new Map<string, { name: string; knowledge: Knowledge; attempts: AttemptRecord[] }>();
  for (const attempt of records.flatMap(({ profiles }) => profiles).flatMap(({ attempts }) => attempts)) {
    const { attack: name, knowledge } = attempt;
    const known = races.get(name) ?? { name, knowledge, attempts: [] };
    known.attempts.push(attempt);
    races.set(name, known);
  }
  return [...races.values()];
}

/** Attempts that succeeded within so many queries. */
export function wonWithin({ attempts }: Race, queries: number): number {
  return attempts.filter((attempt) => attempt.found !== null && attempt.queries <= queries).length;
}

/** Share of the attempts that succeeded, over the queries that each was allowed. */
export function effortChart(races: readonly Race[], budget: number): LessonChart {
  const series = races.map((race) => {
    const efforts = race.attempts.filter(({ found }) => found !== null).map(({ queries }) => queries);
    const steps = [...new Set([0, ...efforts, budget])].sort((a, b) => a - b);
    const points = steps.map(
      (at) => [at, race.attempts.length === 0 ? 0 : wonWithin(race, at) / race.attempts.length] as const,
    );
    return { name: `${race.name} (${race.knowledge})`, points };
  });
  const ends = series.map(({ name, points }) => `${name} ${percent(points.at(-1)![1])}`).join(", ");
  return {
    title: "Success against queries",
    description: `Share of the samples that are fooled within a number of queries. After ${plural(budget, "query", "queries")}: ${ends}.`,
    x: "queries",
    y: "fooled",
    series,
  };
}
