import { gateJunit } from "./junit.ts";
import { gateMarkdown } from "./markdown.ts";
import { gatePage } from "./page.ts";
import { gateSarif } from "./sarif.ts";

/** Every file that a gate can leave for a CI system, by the name that `--report` takes. */
export const GATE_REPORTERS = {
  html: { file: "boundary-report.html", render: gatePage },
  markdown: { file: "summary.md", render: gateMarkdown },
  junit: { file: "junit.xml", render: gateJunit },
  sarif: { file: "boundary.sarif", render: gateSarif },
} as const;

export type GateFormat = keyof typeof GATE_REPORTERS;
