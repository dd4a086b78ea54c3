import { join } from "node:path";
import { writeWhole } from "../../assess/files.ts";
import { readComparison } from "../../assess/files-comparison.ts";
import { BlindspotError } from "../../base/errors.ts";
import type { ReportFormat } from "../../report/formats.ts";
import type { Given } from "../options.ts";
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
  format: ReportFormat,
  pictures: number | undefined,
): Promise<Rendered & { readonly name: string }> {
  const comparison = await readComparison(directory);
  if (comparison === null) {
    const report = await renderReport(directory, format, pictures === undefined ? {} : { pictures });
    return { ...report, name: REPORT_NAMES[format] };
  }
  if (!isComparisonFormat(format))
    throw new BlindspotError({
      code: "E_OPTION",
      subject: "--format",
      expected: `${Object.keys(COMPARISON_NAMES).join(" or ")} for a comparison`,
      got: format,
    });
  return { text: await renderComparison(comparison, format), problems: [], name: COMPARISON_NAMES[format] };
}
