import { take } from "../../base/take.ts";
import type { Gated } from "../../regression/case-list.ts";
import type { GateCase, Outcome, ReplayResult } from "../../regression/schema.ts";
import { duration, grouped, percent, plural, table } from "../format.ts";
import { visible } from "../visible.ts";
import { countsOf, freshRows, leftOutText } from "./facts.ts";
import {
  askedText,
  changeText,
  corpusText,
  effortText,
  freshMissing,
  needsLook,
  outcomeText,
  reachedText,
  shownFirst,
  threatShort,
  verdictText,
} from "./words.ts";

/** Cases that a terminal names one by one. */
const NAMED = 12;

/** A gate for a terminal: the table, what matters most, the verdict last. */
export function gateText(result: Gated): string {
  const { base, baseline, candidate, corpus, cost, seconds } = result;
  const head = [
    `${base.name} -> ${candidate.name}`,
    `corpus ${corpus.name}: ${corpusText(result)}`,
    `${grouped(cost.queries)} queries`,
    duration(seconds),
  ].join("   ");
  const more = result.cases.count(needsLook) - NAMED;
  const missing = freshMissing(result);
  const lines = [
    head,
    "",
    ...countTable(result),
    "",
    ...effortText(result).map((line) => `Re-attack  ${line}`),
    ...askedText([base, candidate]).map((line) => `Asked      ${line}`),
    ...freshRows(result).map(
      ({ name, rate }) =>
        `Fresh set  ${name}: ${rate.before} -> ${rate.after} of ${rate.of}, +${rate.gained} -${rate.lost}, p ${rate.p.toFixed(3)}; a drop of ${percent(rate.leastDrop)} would have shown`,
    ),
    ...(missing === null ? [] : [`Fresh set  ${missing}`]),
    ...(baseline === null
      ? []
      : [`Baseline   ${baseline.broken} broken then, ${baseline.now} of those that it knew now`]),
    ...leftOutText(result).map((line) => `Left out   ${line}`),
    ...take(shownFirst(result.cases), NAMED).map(caseLine),
    ...(more > 0 ? [`... and ${plural(more, "more case")}`] : []),
    verdictText(result),
  ];
  return `${lines.map(visible).join("\n")}\n`;
}

function countTable(result: Gated): string[] {
  const { columns, rows } = countsOf(result);
  const head = ["", ...columns.map(({ name }) => name.toUpperCase())];
  const cells = rows.map((row) => [`  ${threatShort(row.threat)}`, ...row.cells.map(grouped)]);
  return table([head, ...cells], ["left", ...columns.map(() => "right" as const)]);
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
    ...askedText([model]).map((line) => `Asked  ${line}`),
    ...unknown.map(
      ({ sample, candidate }) => `${candidate.state.toUpperCase()} ${sample.slice(0, 12)}: ${candidate.detail}`,
    ),
    "What resists a replay is not thereby fixed: blindspot gate attacks it again",
  ];
  return `${lines.map(visible).join("\n")}\n`;
}
