import type { Gated } from "../../regression/case-list.ts";
import type { GateResult } from "../../regression/schema.ts";
import { grouped, plural } from "../format.ts";
import { COLUMNS, threatShort } from "./words.ts";

/** The table of a gate: a row for each threat, a column for each outcome that came up. */
export function countsOf({ cases }: Pick<Gated, "cases">) {
  const columns = COLUMNS.map((column) => ({
    ...column,
    cases: cases.count(({ outcome }) => column.outcomes.includes(outcome)),
  })).filter((column) => column.cases > 0);
  const threats = [...new Set(cases.counts.map(({ facts }) => facts.threat))].sort(byName);
  const rows = threats.map((threat) => ({
    threat,
    cells: columns.map(({ outcomes }) =>
      cases.count((facts) => facts.threat === threat && outcomes.includes(facts.outcome)),
    ),
  }));
  return { columns, rows };
}

/** What nobody attacked comes last. */
function byName(one: string | null, other: string | null): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  return one < other ? -1 : 1;
}

/** The rates of the fresh set, clean inputs first. */
export function freshRows({ fresh }: Pick<GateResult, "fresh">) {
  if (fresh === null) return [];
  return [
    { name: "clean inputs", rate: fresh.clean },
    ...fresh.threats.map(({ threat, ...rate }) => ({ name: threatShort(threat), rate })),
  ];
}

/** What has no say in the verdict, in sentences. */
export function leftOutText({ corpus, counts }: Pick<GateResult, "corpus" | "counts">): string[] {
  const { unlabelled, rejected, forgotten, damagedFiles } = corpus.leftOut;
  const sum = (of: "trainedOn" | "waived" | "untrusted") => counts.reduce((total, one) => total + one[of], 0);
  const told: [number, string][] = [
    [sum("trainedOn"), "that a version was trained on: counted apart, and in no rate"],
    [sum("waived"), "waived"],
    [sum("untrusted"), "whose class nobody vouches for: replayed, without a say"],
    [unlabelled, "without a true class: not replayed"],
    [rejected, "that a person rejected: not replayed"],
    [forgotten, "forgotten"],
  ];
  const lines = told.filter(([count]) => count > 0).map(([count, what]) => `${plural(count, "sample")} ${what}`);
  return damagedFiles > 0 ? [...lines, `${grouped(damagedFiles)} damaged files: see blindspot corpus verify`] : lines;
}
