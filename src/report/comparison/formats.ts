import type { Comparison } from "../../assess/schema.ts";
import { comparisonMarkdown } from "./markdown.ts";
import { comparisonOnePage } from "./one-page.ts";
import { comparisonPage } from "./page.ts";

/** A comparison as a document: a pure function, the same bytes on every machine. */
export interface ComparisonReporter {
  readonly extension: string;
  render(comparison: Comparison): string;
}

/** Every form that a comparison can take, by the name that `--format` takes. */
export const COMPARISON_REPORTERS = {
  html: { extension: "html", render: comparisonPage },
  "one-page": { extension: "html", render: comparisonOnePage },
  markdown: { extension: "md", render: comparisonMarkdown },
} as const satisfies Record<string, ComparisonReporter>;

export type ComparisonFormat = keyof typeof COMPARISON_REPORTERS;
