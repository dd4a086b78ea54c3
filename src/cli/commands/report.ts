import { join } from "node:path";
import { writeWhole } from "../../assess/files.ts";
import { BlindspotError } from "../../base/errors.ts";
import type { Given } from "../options.ts";
import { openFile, REPORT_NAMES, renderReport } from "../write-report.ts";

/** Makes a report of a stored run: a pure function of its folder, so it can be made again at any time. */
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
  const { text, problems } = await renderReport(directory!, format, pictures === undefined ? {} : { pictures });
  if (!quiet) for (const problem of problems) process.stderr.write(`note: ${problem}\n`);
  if (out === "-") {
    process.stdout.write(text);
    return 0;
  }
  const path = out ?? join(directory!, REPORT_NAMES[format]);
  await writeWhole(path, text);
  process.stdout.write(`${path}\n`);
  if (open) {
    const failure = await openFile(path);
    if (failure !== null) process.stderr.write(`note: not opened: ${failure}\n`);
  }
  return 0;
}
