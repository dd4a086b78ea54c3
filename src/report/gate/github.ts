import { take } from "../../base/take.ts";
import type { CaseFacts, Gated } from "../../regression/case-list.ts";
import { visible } from "../visible.ts";
import { manifestUri, standingOf } from "./attention.ts";
import { changeText, needsLook, outcomeText, reachedText, shownFirst, verdictText } from "./words.ts";

/** A step shows ten annotations of a kind and drops the others in silence. */
const MOST = 10;

/** Workflow commands that GitHub shows beside the files of a change: at most ten, the last saying how many more there are. */
export function githubAnnotations(result: Gated): string[] {
  const isWanted = (facts: CaseFacts) =>
    needsLook(facts) && ["failed", "unanswered"].includes(standingOf(result, facts));
  const wanted = result.cases.count(isWanted);
  const shown = take(shownFirst(result.cases, isWanted), wanted > MOST ? MOST - 1 : MOST);
  const lines = shown.map((one) => {
    const title = `${outcomeText(one.outcome)}: ${one.label} -> ${reachedText(one)}`;
    return `::error file=${property(decodeURI(manifestUri(result, one)))},line=1,title=${property(title)}::${message(`${one.sample.slice(0, 12)} ${changeText(one)}`)}`;
  });
  const more = wanted - shown.length;
  return more > 0
    ? [...lines, `::error title=Blindspot::${message(`and ${more} more. ${verdictText(result)}`)}`]
    : lines;
}

/** Nothing that a class or a file is called may end the command and begin another. */
function message(text: string): string {
  return visible(text).replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

function property(text: string): string {
  return message(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
