import type { Comparison, PairedRate } from "../assess/schema.ts";
import type { GateResult } from "./schema.ts";
import { leastDrop } from "./sensitivity.ts";
import type { VerdictFacts } from "./verdict.ts";

type Fresh = NonNullable<GateResult["fresh"]>;

/** The fresh set of a gate: none was asked for, or its rates, or why there are none. */
export type FreshAnswer = { readonly fresh: Fresh } | { readonly problem: string } | null;

/** What both versions make of a random set that no version was selected by, attacked afresh with equal effort. */
export function freshOf({ data, seed, threats, clean }: Comparison): Fresh {
  const rate = ({ of, before, after, difference, gained, lost, p, trainedOn }: PairedRate) => ({
    of,
    before: before.right,
    after: after.right,
    difference,
    gained,
    lost,
    p,
    leastDrop: leastDrop(of, gained),
    ...(trainedOn === undefined ? {} : { trainedOn }),
  });
  return {
    data: data.spec,
    draw: `${data.draw}; seed ${seed}`,
    clean: rate(clean),
    threats: threats.map(({ id, overall }) => ({ threat: id, ...rate(overall) })),
  };
}

/** A drop that chance does not explain: more lost than gained, McNemar's p below 5 %. */
export function dropOf(fresh: Fresh | null): VerdictFacts["drop"] {
  if (fresh === null) return null;
  const rates = [{ threat: "clean inputs", ...fresh.clean }, ...fresh.threats];
  const dropped = rates.filter(({ lost, gained, p }) => lost > gained && p < 0.05);
  if (dropped.length === 0) return null;
  const told = dropped.map(({ threat, before, after, of }) => `${threat.split(";")[0]} ${before} -> ${after} of ${of}`);
  return {
    rule: "drop",
    cases: Math.max(...dropped.map(({ lost, gained }) => lost - gained)),
    detail: `fresh set: ${told.join(", ")}`,
  };
}
