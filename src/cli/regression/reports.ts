import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { take } from "../../base/take.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import type { Gated } from "../../regression/case-list.ts";
import { shownFirst } from "../../report/gate/words.ts";
import type { Shown } from "../../report/shown.ts";
import { shownIn } from "../corpus/shown.ts";
import type { ReportName } from "./report-names.ts";
import { writeText } from "./write.ts";

/** Samples that the page shows. */
const SHOWN = 24;
/** Where GitHub takes the summary of a step from. */
const SUMMARY = "GITHUB_STEP_SUMMARY";

/** Writes the reports of a gate into its folder; returns what has to go to the log of the job. */
export async function writeReports(
  result: Gated,
  names: readonly ReportName[],
  folder: string,
  corpus: Corpus,
): Promise<readonly string[]> {
  const { GATE_REPORTERS } = await import("../../report/gate/formats.ts");
  const lines: string[] = [];
  for (const name of new Set(names)) {
    if (name === "github") {
      const { githubAnnotations } = await import("../../report/gate/github.ts");
      lines.push(...githubAnnotations(result));
      const summary = process.env[SUMMARY];
      if (summary !== undefined && summary !== "") await appendFile(summary, GATE_REPORTERS.markdown.render(result));
    } else if (name === "html") {
      const { file, render } = GATE_REPORTERS.html;
      await writeText(join(folder, file), render(result, await shownOf(result, corpus)));
    } else {
      const { file, render } = GATE_REPORTERS[name];
      await writeText(join(folder, file), render(result));
    }
  }
  return lines;
}

/** Pictures and texts of the samples that the page shows first. */
export async function shownOf(result: Gated, corpus: Corpus): Promise<Map<string, Shown>> {
  const all = new Map<string, Shown>();
  for (const { sample, modality, attacked } of take(shownFirst(result.cases), SHOWN)) {
    // Of a row the result itself says what was changed.
    if (modality === "row") continue;
    // Of what moved, the new input is what fools the version.
    const entry = await corpus.find(attacked?.version === "candidate" ? (attacked.child ?? sample) : sample);
    const shown = await shownIn(corpus, entry.manifest);
    if (shown !== null) all.set(sample, shown);
  }
  return all;
}
