import { tally } from "../../base/tally.ts";
import type { GateResult, Outcome } from "../../regression/schema.ts";
import { grouped, plural } from "../format.ts";
import { COLUMNS, threatShort } from "./words.ts";

/** The table of a gate: a row for each threat, a column for each outcome that came up. */
export function countsOf({ cases }: Pick<GateResult, "cases">) {
  const sumOf = (counts: ReadonlyMap<Outcome, number>, outcomes: readonly Outcome[]) =>
    outcomes.reduce((sum, outcome) => sum + (counts.get(outcome) ?? 0), 0);
  const all = tally(cases.map(({ outcome }) => outcome));
  const columns = COLUMNS.map((column) => ({ ...column, cases: sumOf(all, column.outcomes) })).filter(
    (column) => column.cases > 0,
  );
  const byThreat = new Map<string | null, Outcome[]>(cases.map(({ threat }) => [threat, []]));
  for (const { threat, outcome } of cases) byThreat.get(threat)!.push(outcome);
  const rows = [...byThreat].map(([threat, came]) => {
    const counts = tally(came);
    return { threat, cells: columns.map(({ outcomes }) => sumOf(counts, outcomes)) };
  });
  return { columns, rows };
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
