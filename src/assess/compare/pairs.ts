import type { SampleLine } from "../schema.ts";
import { proportion } from "../statistics.ts";
import { groupBootstrap95, mcnemarMidP, newcombePaired95, type PairedCounts, type Unit } from "./paired.ts";

/** One sample in both versions, under one threat. */
export interface Pair {
  readonly before: SampleLine;
  readonly after: SampleLine;
}

/** How samples hang together: those of one group, and those whose inputs are equal, are one unit. */
export interface Units {
  /** Unit of each sample, by index. */
  readonly of: ReadonlyMap<number, number>;
  readonly count: number;
}

/** Groups and identical inputs together, however they chain (union of sets). */
export function unitsOf(lines: readonly SampleLine[]): Units {
  const parent = new Map<string, string>();
  const root = (key: string): string => {
    let at = key;
    while (parent.get(at) !== at) at = parent.get(at)!;
    parent.set(key, at);
    return at;
  };
  const join = (a: string, b: string): void => {
    for (const key of [a, b]) if (!parent.has(key)) parent.set(key, key);
    parent.set(root(a), root(b));
  };
  for (const { index, group, input } of lines) {
    join(`sample ${index}`, `sample ${index}`);
    if (group !== undefined) join(`sample ${index}`, `group ${group}`);
    if (input !== undefined) join(`sample ${index}`, `input ${input}`);
  }
  const numbers = new Map<string, number>();
  const of = new Map<number, number>();
  for (const { index } of lines) {
    const key = root(`sample ${index}`);
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    of.set(index, numbers.get(key)!);
  }
  return { of, count: numbers.size };
}

export interface Split {
  readonly pairs: readonly Pair[];
  readonly units: Units;
  /** Units of which an input was trained on. */
  readonly trainedOn: ReadonlySet<number>;
}

/** A rate of both versions over these pairs. Samples of units that were trained on are counted apart. */
export function pairedRate({ pairs, units, trainedOn }: Split, right: (line: SampleLine) => boolean) {
  const unitOf = ({ before }: Pair) => units.of.get(before.index)!;
  const kept = pairs.filter((pair) => !trainedOn.has(unitOf(pair)));
  const aside = pairs.filter((pair) => trainedOn.has(unitOf(pair)));
  const table = { both: 0, lost: 0, gained: 0, neither: 0 };
  const sums = new Map<number, Unit>();
  for (const pair of kept) {
    const [was, is] = [right(pair.before), right(pair.after)];
    table[was ? (is ? "both" : "lost") : is ? "gained" : "neither"]++;
    const { samples, before, after } = sums.get(unitOf(pair)) ?? { samples: 0, before: 0, after: 0 };
    sums.set(unitOf(pair), { samples: samples + 1, before: before + Number(was), after: after + Number(is) });
  }
  const { both, lost, gained } = table;
  const side = (count: number) => ({ right: count, ...proportion(count, kept.length) });
  const rightOf = (version: keyof Pair) => aside.filter((pair) => right(pair[version])).length;
  return {
    of: kept.length,
    before: side(both + lost),
    after: side(both + gained),
    difference: {
      value: kept.length === 0 ? 0 : (gained - lost) / kept.length,
      ...interval(table, [...sums.values()]),
    },
    gained,
    lost,
    p: mcnemarMidP(gained, lost),
    ...(aside.length === 0
      ? {}
      : { trainedOn: { of: aside.length, before: rightOf("before"), after: rightOf("after") } }),
  };
}

/** Where samples come in groups the bootstrap's, but never narrower than what independent samples would give. */
function interval(table: PairedCounts, units: readonly Unit[]) {
  const independent = newcombePaired95(table);
  if (units.every(({ samples }) => samples === 1)) return independent;
  const grouped = groupBootstrap95(units);
  return { low: Math.min(independent.low, grouped.low), high: Math.max(independent.high, grouped.high) };
}
