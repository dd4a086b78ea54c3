import { comparisonText } from "../../report/comparison/console.ts";
import { compareFolders } from "../compare-folders.ts";
import type { Given } from "../options.ts";
import { writeComparisonFiles } from "../write-comparison.ts";
import { openFile } from "../write-report.ts";

/** Two stored runs, pair by pair: nothing is attacked. */
export async function run(given: Given, [before, after]: readonly string[]): Promise<number> {
  const comparison = await compareFolders(before!, after!, given);
  const path = given.out === undefined ? null : await writeComparisonFiles(given.out, comparison);
  if (given.json) process.stdout.write(`${JSON.stringify(comparison, null, 2)}\n`);
  else process.stdout.write(comparisonText(comparison) + (path === null ? "" : `Page: ${path}\n`));
  if (given.open && path !== null) {
    const failure = await openFile(path);
    if (failure !== null) process.stderr.write(`note: not opened: ${failure}\n`);
  }
  return 0;
}
