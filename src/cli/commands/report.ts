import { join } from "node:path";
import { writeWhole } from "../../assess/files.ts";
import { readComparison } from "../../assess/files-comparison.ts";
import { BlindspotError } from "../../base/errors.ts";
import { listOf } from "../../regression/case-list.ts";
import { GATE_REPORTERS, type GateFormat } from "../../report/gate/formats.ts";
import { openCorpus } from "../corpus/open.ts";
import type { Given } from "../options.ts";
import { shownOf } from "../regression/reports.ts";
import { hasGate, readGate } from "../regression/stored.ts";
import { COMPARISON_NAMES, isComparisonFormat, renderComparison } from "../write-comparison.ts";
import { openFile, REPORT_NAMES, type Rendered, renderReport } from "../write-report.ts";

/** Makes a report of a stored run or comparison: a pure function of its folder, so it can be made again at any time. */
export async function run(
  { format = "html", out, pictures, open, quiet }: Given,
  [directory]: readonly string[],
): Promise<number> {
  if (open && out === "-")
    throw new BlindspotError({
      code: "E_OPTION",
      subject: "--open",
      expected: "a file to open",
      got: "--out -",
      hint: "Leave out one of the two",
    });
  const { text, problems, name } = await rendered(directory!, format, pictures);
  if (!quiet) for (const problem of problems) process.stderr.write(`note: ${problem}\n`);
  if (out === "-") {
    process.stdout.write(text);
    return 0;
  }
  const path = out ?? join(directory!, name);
  await writeWhole(path, text);
  process.stdout.write(`${path}\n`);
  if (open) {
    const failure = await openFile(path);
    if (failure !== null) process.stderr.write(`note: not opened: ${failure}\n`);
  }
  return 0;
}

/** The document, and the name of its file where nothing else is said. */
async function rendered(
  directory: string,
  format: NonNullable<Given["format"]>,
  pictures: number | undefined,
): Promise<Rendered & { readonly name: string }> {
  if (await hasGate(directory)) return renderedGate(directory, format);
  if (format === "junit" || format === "sarif") throw otherFormat("html, one-page, markdown or csv for a run", format);
  const comparison = await readComparison(directory);
  if (comparison === null) {
    const report = await renderReport(directory, format, pictures === undefined ? {} : { pictures });
    return { ...report, name: REPORT_NAMES[format] };
  }
  if (!isComparisonFormat(format))
    throw otherFormat(`${Object.keys(COMPARISON_NAMES).join(" or ")} for a comparison`, format);
  return { text: await renderComparison(comparison, format), problems: [], name: COMPARISON_NAMES[format] };
}

/** Of a gate, with the pictures of its corpus where that lies here. */
async function renderedGate(
  directory: string,
  format: NonNullable<Given["format"]>,
): Promise<Rendered & { readonly name: string }> {
  if (!Object.hasOwn(GATE_REPORTERS, format))
    throw otherFormat(`${Object.keys(GATE_REPORTERS).join(", ")} for a gate`, format);
  const stored = await readGate(directory);
  const result = { ...stored, cases: listOf(stored.cases) };
  const { file: name, render } = GATE_REPORTERS[format as GateFormat];
  if (format !== "html") return { text: render(result), problems: [], name };
  const corpus = await openCorpus({ corpus: result.corpus.name }).catch(() => null);
  if (corpus === null)
    return {
      text: render(result),
      problems: [`no corpus '${result.corpus.name}' here: the page has no pictures`],
      name,
    };
  return { text: GATE_REPORTERS.html.render(result, await shownOf(result, corpus)), problems: [], name };
}

function otherFormat(expected: string, got: string): BlindspotError {
  return new BlindspotError({ code: "E_OPTION", subject: "--format", expected, got });
}
