import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../assess/files.ts";
import { writeComparison } from "../assess/files-comparison.ts";
import type { Comparison } from "../assess/schema.ts";
import { BlindspotError } from "../base/errors.ts";
import type { ComparisonFormat } from "../report/comparison/formats.ts";

/** Where a form of a comparison lies in its folder, if nothing else is said. */
export const COMPARISON_NAMES: Readonly<Record<ComparisonFormat, string>> = {
  html: "comparison.html",
  "one-page": "comparison-one-page.html",
  markdown: "comparison.md",
};

export function isComparisonFormat(format: string): format is ComparisonFormat {
  return Object.hasOwn(COMPARISON_NAMES, format);
}

export async function renderComparison(comparison: Comparison, format: ComparisonFormat): Promise<string> {
  const { COMPARISON_REPORTERS } = await import("../report/comparison/formats.ts");
  return COMPARISON_REPORTERS[format].render(comparison);
}

/** Writes the comparison and its page into this folder, which must not be a run's; returns the page's path. */
export async function writeComparisonFiles(directory: string, comparison: Comparison): Promise<string> {
  if (existsSync(join(directory, "run.json")))
    throw new BlindspotError({
      code: "E_OUT",
      subject: `--out ${directory}`,
      expected: "a folder of its own",
      got: "the folder of a run",
    });
  await writeComparison(directory, comparison);
  const path = join(directory, COMPARISON_NAMES.html);
  await writeWhole(path, await renderComparison(comparison, "html"));
  return path;
}
