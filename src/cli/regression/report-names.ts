/** What `--report` takes. */
export const REPORTS = ["html", "markdown", "junit", "sarif", "github"] as const;
export type ReportName = (typeof REPORTS)[number];
