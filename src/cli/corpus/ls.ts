import type { Entry } from "../../corpus/entry.ts";
import { plural, table } from "../../report/format.ts";
import { visible } from "../../report/visible.ts";
import type { Given } from "../options.ts";
import { openCorpus, selected, tellProblems } from "./open.ts";
import { changeText, summaryOf, threatText } from "./words.ts";

const SHOWN = 50;

export async function run(given: Given): Promise<number> {
  const corpus = await openCorpus(given);
  const { entries, problems, notUnderstood } = await corpus.read();
  tellProblems(problems, notUnderstood);
  const chosen = selected(entries, given).sort(newestFirst);
  if (given.json) {
    process.stdout.write(`${JSON.stringify(chosen.map(summaryOf), null, 2)}\n`);
    return 0;
  }
  const limit = given.limit === 0 ? chosen.length : (given.limit ?? SHOWN);
  const rows = chosen.slice(0, limit).map(rowOf);
  const head = ["ID", "KIND", "TRUE CLASS", "TAKEN FOR", "THREAT", "ATTACK", "CHANGE", "STATE"];
  const left = head.map(() => "left" as const);
  if (rows.length > 0) process.stdout.write(`${table([head, ...rows], left).join("\n")}\n`);
  const more = chosen.length - rows.length;
  const of = chosen.length === entries.length ? "" : ` of ${entries.length}`;
  const rest = more > 0 ? `; ${more} more with --limit 0` : "";
  process.stdout.write(`${plural(chosen.length, "sample")}${of}${rest}\n`);
  return 0;
}

function newestFirst(a: Entry, b: Entry): number {
  const [one, other] = [a.since ?? "", b.since ?? ""];
  if (one !== other) return one < other ? 1 : -1;
  return a.id < b.id ? -1 : 1;
}

function rowOf(entry: Entry): string[] {
  const [found] = entry.found;
  return [
    entry.id.slice(0, 12),
    entry.kinds.join(", "),
    entry.label?.name ?? "?",
    entry.predicted?.name ?? "",
    found?.threat === undefined ? "" : threatText(found.threat),
    found?.attack?.name ?? "",
    found === undefined ? "" : changeText(found),
    entry.trust,
  ].map(visible);
}
