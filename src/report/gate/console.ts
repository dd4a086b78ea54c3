import type { GateCase, GateResult, Outcome, ReplayResult } from "../../regression/schema.ts";
import { duration, grouped, plural, table } from "../format.ts";
import { visible } from "../visible.ts";
import {
  COLUMNS,
  changeText,
  effortText,
  outcomeText,
  reachedText,
  shownFirst,
  threatShort,
  verdictText,
} from "./words.ts";

/** Cases that a terminal names one by one. */
const NAMED = 12;

/** A gate for a terminal: the table, what matters most, the verdict last. */
export function gateText(result: GateResult): string {
  const { base, candidate, corpus, cost, seconds } = result;
  const head = [
    `${base.name} -> ${candidate.name}`,
    `corpus ${corpus.name}: ${plural(corpus.samples, "sample")}`,
    `${grouped(cost.queries)} queries`,
    duration(seconds),
  ].join("   ");
  const named = shownFirst(result.cases);
  const lines = [
    head,
    "",
    ...countTable(result),
    "",
    ...effortText(result).map((line) => `Re-attack  ${line}`),
    ...named.slice(0, NAMED).map(caseLine),
    ...(named.length > NAMED ? [`... and ${plural(named.length - NAMED, "more case")}`] : []),
    verdictText(result),
  ];
  return `${lines.map(visible).join("\n")}\n`;
}

/** A row for each threat, a column for each outcome that came up. */
function countTable({ cases }: GateResult): string[] {
  const columns = COLUMNS.filter(({ outcomes }) => cases.some(({ outcome }) => outcomes.includes(outcome)));
  const threats = [...new Set(cases.map(({ threat }) => threat))];
  const rowOf = (name: string, own: readonly GateCase[]) => [
    name,
    ...columns.map(({ outcomes }) => grouped(own.filter(({ outcome }) => outcomes.includes(outcome)).length)),
  ];
  const rows = threats.map((threat) =>
    rowOf(
      `  ${threatShort(threat)}`,
      cases.filter((one) => one.threat === threat),
    ),
  );
  const head = ["", ...columns.map(({ name }) => name.toUpperCase())];
  return table([head, ...rows], ["left", ...columns.map(() => "right" as const)]);
}

function caseLine(one: GateCase): string {
  const { sample, outcome, label } = one;
  const name = (outcomeText(outcome as Outcome) + (one.waiver === undefined ? "" : " (waived)")).toUpperCase();
  return `${name.padEnd(18)} ${sample.slice(0, 12)}  ${label} -> ${reachedText(one)}  ${changeText(one)}`.trimEnd();
}

/** What one version makes of the corpus. */
export function replayText({ model, corpus, counts, cases, cost, seconds }: ReplayResult): string {
  const told = Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `  ${state.padEnd(13)} ${grouped(count)}`);
  const unknown = cases.filter(({ candidate: { detail } }) => detail !== undefined).slice(0, NAMED);
  const lines = [
    `${model.name}   corpus ${corpus.name}: ${plural(corpus.samples, "sample")}, ${plural(cost.remembered, "answer")} remembered   ${duration(seconds)}`,
    ...told,
    ...unknown.map(
      ({ sample, candidate }) => `${candidate.state.toUpperCase()} ${sample.slice(0, 12)}: ${candidate.detail}`,
    ),
    "What resists a replay is not thereby fixed: blindspot gate attacks it again",
  ];
  return `${lines.map(visible).join("\n")}\n`;
}
