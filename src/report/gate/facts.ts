import type { GateCase, GateResult } from "../../regression/schema.ts";
import { grouped, plural } from "../format.ts";
import { COLUMNS, threatShort } from "./words.ts";

/** The table of a gate: a row for each threat, a column for each outcome that came up. */
export function countsOf({ cases }: Pick<GateResult, "cases">) {
  const columns = COLUMNS.filter(({ outcomes }) => cases.some(({ outcome }) => outcomes.includes(outcome)));
  const countIn = (own: readonly GateCase[]) =>
    columns.map(({ outcomes }) => own.filter(({ outcome }) => outcomes.includes(outcome)).length);
  const threats = [...new Set(cases.map(({ threat }) => threat))];
  const rows = threats.map((threat) => ({ threat, cells: countIn(cases.filter((one) => one.threat === threat)) }));
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
