import { take } from "../../base/take.ts";
import type { CaseList, Gated } from "../../regression/case-list.ts";
import type { GateCase } from "../../regression/schema.ts";
import { visible } from "../visible.ts";
import { standingOf } from "./attention.ts";
import { changeText, needsLook, outcomeText, reachedText, shownFirst, threatShort, verdictText } from "./words.ts";

/** More cases than this slow CI pages down: those that need attention come first. */
const MOST = 2000;

/** A gate as JUnit XML: failed where the policy fails on it, an error where there is no answer, skipped where it is waived or untrusted. */
export function gateJunit(result: Gated): string {
  const shown = take(attentionFirst(result.cases), MOST);
  const threats = [...new Set(shown.map(({ threat }) => threat))];
  const suites = threats.map((threat) =>
    suite(
      result,
      threatShort(threat),
      shown.filter((one) => one.threat === threat),
    ),
  );
  const left = result.cases.count() - shown.length;
  const note = left > 0 ? ` (${left} cases without findings are left out)` : "";
  const name = `${result.base.name} -> ${result.candidate.name}${note}`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="${xml(`blindspot gate: ${name}`)}" ${totals(result, shown)} time="${result.seconds.toFixed(3)}">
${suites.join("\n")}
</testsuites>
`;
}

function* attentionFirst(cases: CaseList): Generator<GateCase> {
  yield* shownFirst(cases);
  yield* cases.of((facts) => !needsLook(facts));
}

function totals(result: Gated, cases: readonly GateCase[]): string {
  const standings = cases.map((one) => standingOf(result, one));
  const count = (...wanted: readonly string[]) => standings.filter((standing) => wanted.includes(standing)).length;
  return `tests="${cases.length}" failures="${count("failed")}" errors="${count("unanswered")}" skipped="${count("waived", "untrusted")}"`;
}

function suite(result: Gated, name: string, cases: readonly GateCase[]): string {
  const properties = `<properties><property name="verdict" value="${xml(verdictText(result))}"/></properties>`;
  return `<testsuite name="${xml(name)}" ${totals(result, cases)}>${properties}
${cases.map((one) => testCase(result, one)).join("\n")}
</testsuite>`;
}

/** Names are stable and unique: systems that meet one twice drop the second. */
function testCase(result: Gated, one: GateCase): string {
  const name = `${one.label} ${one.sample.slice(0, 16)}`;
  const words = outcomeText(one.outcome);
  const told = `${one.label} -> ${reachedText(one)}; ${changeText(one)}`;
  const file = `${result.corpus.name}/${one.manifest}`;
  const open = `<testcase classname="${xml(`blindspot.${threatShort(one.threat)}`)}" name="${xml(name)}" file="${xml(file)}"`;
  const message = `message="${xml(words)}"`;
  switch (standingOf(result, one)) {
    case "failed":
      return `${open}><failure ${message} type="${one.outcome}">${xml(told)}</failure></testcase>`;
    case "unanswered":
      return `${open}><error ${message} type="${one.outcome}">${xml(told)}</error></testcase>`;
    case "waived":
      return `${open}><skipped message="${xml(`${words}; waived until ${one.waiver!.until} by ${one.waiver!.by}: ${one.waiver!.reason}`)}"/></testcase>`;
    case "untrusted":
      return `${open}><skipped message="${xml(`${words}; nobody vouches for its class`)}"/></testcase>`;
    case "passed":
      return `${open}><system-out>${xml(`${words}: ${told}`)}</system-out></testcase>`;
  }
}

/** What XML 1.0 does not allow even as a reference. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const ILLEGAL = /[^\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Text of somebody else's choosing inside XML. */
function xml(text: string): string {
  return visible(text)
    .replaceAll(ILLEGAL, "")
    .replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign]!);
}
