import { csvReporter } from "./csv.ts";
import { htmlReporter } from "./html/index.ts";
import { markdownReporter } from "./markdown.ts";
import { onePageReporter } from "./one-page/index.ts";
import type { Reporter } from "./reporters.ts";

/** Every form that a stored run can take, by the name that `--format` takes. */
export const REPORTERS = {
  html: htmlReporter,
  "one-page": onePageReporter,
  markdown: markdownReporter,
  csv: csvReporter,
} as const satisfies Record<string, Reporter>;

export type ReportFormat = keyof typeof REPORTERS;
