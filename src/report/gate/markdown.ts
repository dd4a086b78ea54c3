import { take } from "../../base/take.ts";
import type { Gated } from "../../regression/case-list.ts";
import { summaryText } from "../corpus/sections.ts";
import { grouped, percent, plural } from "../format.ts";
import { code, sentence } from "../markdown.ts";
import { countsOf, freshRows, leftOutText } from "./facts.ts";
import {
  COLUMNS,
  changeText,
  corpusText,
  effortText,
  freshMissing,
  MEANINGS,
  needsLook,
  outcomeText,
  reachedText,
  shownFirst,
  threatShort,
  verdictText,
} from "./words.ts";

const NAMED = 25;
/** A comment may hold 65,536 characters; a step's summary is refused as a whole above 1 MiB. */
const LIMIT = 64_000;

/** A gate as a comment for a pull request, or the summary of a CI step. Whatever others named is code, and nothing else. */
export function gateMarkdown(result: Gated): string {
  const { base, candidate, corpus, baseline } = result;
  const counts = countsOf(result);
  const named = take(shownFirst(result.cases), NAMED);
  const more = result.cases.count(needsLook) - NAMED;
  const missing = freshMissing(result);
  const lines = [
    `## ${sentence(verdictText(result))}`,
    "",
    `${code(base.name)} → ${code(candidate.name)}, ${code(corpus.name)}: ${corpusText(result)}.`,
    "",
    `| threat | ${counts.columns.map(({ name }) => name).join(" | ")} |`,
    `| --- | ${counts.columns.map(() => "---:").join(" | ")} |`,
    ...counts.rows.map(({ threat, cells }) => `| ${code(threatShort(threat))} | ${cells.map(grouped).join(" | ")} |`),
    "",
    ...(named.length === 0
      ? []
      : [
          "| outcome | sample | true class | taken for | what happened |",
          "| --- | --- | --- | --- | --- |",
          ...named.map(
            (one) =>
              `| ${outcomeText(one.outcome)}${one.waiver === undefined ? "" : one.waiver.expired ? " (waiver expired)" : " (waived)"} | ${code(one.sample.slice(0, 12))} | ${code(one.label)} | ${code(reachedText(one))} | ${code(changeText(one), 120)} |`,
          ),
          "",
        ]),
    ...(more > 0 ? [`And ${plural(more, "more case")}: see the report.`, ""] : []),
    "<details><summary>What was tested, and what was not</summary>",
    "",
    ...effortText(result).map((line) => `- Re-attack at ${sentence(line)}`),
    ...freshRows(result).map(
      ({ name, rate }) =>
        `- Fresh set, ${sentence(name)}: ${rate.before} → ${rate.after} of ${rate.of} (p ${rate.p.toFixed(3)}); a drop of ${percent(rate.leastDrop)} or more would have shown`,
    ),
    ...(missing === null ? [] : [`- Fresh set: ${missing}`]),
    ...(baseline === null
      ? []
      : [
          `- Baseline of ${sentence(baseline.model)}: ${baseline.broken} broken then, ${baseline.now} of those that it knew now`,
        ]),
    ...(result.holds === undefined ? [] : [`- The corpus held ${sentence(summaryText(result.holds))}`]),
    ...leftOutText(result).map((line) => `- ${sentence(line)}`),
    ...COLUMNS.flatMap(({ outcomes }) => outcomes)
      .filter((outcome) => result.cases.count((facts) => facts.outcome === outcome) > 0)
      .map((outcome) => `- *${outcomeText(outcome)}*: ${MEANINGS[outcome]}`),
    "",
    "</details>",
    "",
  ];
  const kept: string[] = [];
  let length = 0;
  for (const line of lines) {
    length += line.length + 1;
    if (length > LIMIT) return [...kept, "", "The rest is left out: see the full report.", ""].join("\n");
    kept.push(line);
  }
  return kept.join("\n");
}
