import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import type { Corpus } from "../../corpus/corpus.ts";
import type { GateResult } from "../../regression/schema.ts";
import { shownFirst } from "../../report/gate/words.ts";
import type { Pictures } from "../../report/picture.ts";
import type { ReportName } from "./report-names.ts";
import { writeText } from "./write.ts";

/** Image samples that the page shows. */
const PICTURES = 24;
/** Where GitHub takes the summary of a step from. */
const SUMMARY = "GITHUB_STEP_SUMMARY";

/** Writes the reports of a gate into its folder; returns what has to go to the log of the job. */
export async function writeReports(
  result: GateResult,
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
      await writeText(join(folder, file), render(result, await picturesOf(result, corpus)));
    } else {
      const { file, render } = GATE_REPORTERS[name];
      await writeText(join(folder, file), render(result));
    }
  }
  return lines;
}

/** Clean input, input and change of the image samples that the page shows first. */
export async function picturesOf(result: GateResult, corpus: Corpus): Promise<Map<string, Pictures>> {
  const { drawChange } = await import("../../report/picture.ts");
  const pictures = new Map<string, Pictures>();
  for (const { sample, modality, attacked } of shownFirst(result.cases).slice(0, PICTURES)) {
    if (modality !== "image") continue;
    // Of what moved, the new input is what fools the version.
    const shown = attacked?.version === "candidate" ? (attacked.child ?? sample) : sample;
    const { manifest } = await corpus.find(shown);
    if (manifest.clean === null) continue;
    const [before, after] = await Promise.all(
      [manifest.clean, manifest.input].map((name) => corpus.readInput(manifest, name)),
    );
    if (before!.state !== "good" || after!.state !== "good") continue;
    const { dims } = manifest;
    pictures.set(sample, await drawChange({ dims, values: before!.value }, { dims, values: after!.value }));
  }
  return pictures;
}
