import type { Declared, Finding, PairRisk, SampleLine } from "../schema.ts";

type Source = PairRisk["source"];

/** What one mistake costs, and whether somebody said so. */
export interface Impact {
  readonly impact: number;
  readonly source: Source;
}

/** Every class, in a declared pair. */
export const ANY = "*";

/**
 * The impacts declared, ready to be asked. What names both classes counts before what names one; of a row (`stop` taken
 * for anything) and a column (anything taken for `stop`) that both fit, the larger counts; then the default.
 */
export class Impacts {
  private readonly declared: Declared["impact"];
  private readonly pairs: ReadonlyMap<string, number>;

  constructor(declared: Declared["impact"]) {
    this.declared = declared;
    this.pairs = new Map(declared.pairs.map((pair) => [key(pair.true, pair.wrong), pair.impact]));
  }

  of(trueClass: string, wrongClass: string): Impact {
    const one = (from: string, to: string) => this.pairs.get(key(from, to));
    const wide = [one(trueClass, ANY), one(ANY, wrongClass)].filter((impact) => impact !== undefined);
    const impact = one(trueClass, wrongClass) ?? (wide.length > 0 ? Math.max(...wide) : undefined);
    if (impact !== undefined) return { impact, source: "declared" };
    return { impact: this.declared.default, source: this.declared.defaultDeclared ? "declared" : "default" };
  }

  /** The costliest of all: what a mistake that was not observed may cost. */
  get largest(): Impact {
    const { default: other, defaultDeclared, pairs } = this.declared;
    // A matrix of a thousand classes has too many entries for one call of Math.max.
    const most = pairs.reduce((largest, { impact }) => Math.max(largest, impact), 0);
    if (most >= other) return { impact: most, source: "declared" };
    return { impact: other, source: defaultDeclared ? "declared" : "default" };
  }
}

function key(from: string, to: string): string {
  return JSON.stringify([from, to]);
}

/** A mistake that was observed under a threat. */
export interface ObservedPair extends Impact {
  readonly trueLabel: number;
  readonly wrongLabel: number;
  readonly samples: number;
  readonly findings: number;
}

/**
 * Every pair of classes that an attacker of any profile confused, the costliest first. Which class a sample was taken for differs
 * between profiles: each answer counts.
 */
export function observedPairs(
  lines: readonly SampleLine[],
  findings: readonly Finding[],
  impactOf: (trueLabel: number, wrongLabel: number) => Impact,
): ObservedPair[] {
  const pairs = new Map<string, { trueLabel: number; wrongLabel: number; samples: Set<number>; findings: number }>();
  const pairOf = (trueLabel: number, wrongLabel: number) => {
    const id = `${trueLabel},${wrongLabel}`;
    const known = pairs.get(id) ?? { trueLabel, wrongLabel, samples: new Set<number>(), findings: 0 };
    pairs.set(id, known);
    return known;
  };
  for (const { label, index, profiles } of lines)
    for (const { status, predicted } of Object.values(profiles))
      if (status === "fooled" && predicted !== null) pairOf(label, predicted).samples.add(index);
  for (const { outputChange, subject } of findings) {
    const pair = pairOf(outputChange.trueLabel, outputChange.after.label);
    pair.samples.add(subject.index);
    pair.findings++;
  }
  return [...pairs.values()]
    .map((pair) => ({ ...pair, samples: pair.samples.size, ...impactOf(pair.trueLabel, pair.wrongLabel) }))
    .sort(
      (a, b) =>
        b.impact - a.impact || b.samples - a.samples || a.trueLabel - b.trueLabel || a.wrongLabel - b.wrongLabel,
    );
}
