import { comparisonText } from "../../report/comparison/console.ts";
import { gateChanges, gateChangesText } from "../../report/gate/changes.ts";
import { compareFolders } from "../compare-folders.ts";
import type { Given } from "../options.ts";
import { hasGate, readGate } from "../regression/stored.ts";
import { writeComparisonFiles } from "../write-comparison.ts";
import { openFile } from "../write-report.ts";

/** Two stored runs, pair by pair, or two gates, case by case: nothing is attacked. */
export async function run(given: Given, [before, after]: readonly string[]): Promise<number> {
  if ((await hasGate(before!)) && (await hasGate(after!))) return diffGates(given, before!, after!);
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

async function diffGates({ json }: Given, before: string, after: string): Promise<number> {
  const [one, other] = [await readGate(before), await readGate(after)];
  process.stdout.write(json ? `${JSON.stringify(gateChanges(one, other), null, 2)}\n` : gateChangesText(one, other));
  return 0;
}
