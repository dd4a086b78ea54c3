import type { Check, Result } from "../../assess/schema.ts";
import { duration, grouped, plural } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { BADGES } from "./headline.ts";

const ORDER = ["fail", "warn", "pass", "skipped"] as const satisfies readonly Check["status"][];
const WORDS: Readonly<Record<Check["status"], string>> = {
  fail: "failed",
  warn: "with a warning",
  pass: "passed",
  skipped: "not run",
};

/** How much the figures can carry. */
export function howSure(result: Result): Markup {
  const { badge, checks, clean, data, threats } = result;
  const audit = Math.max(0, ...threats.map((threat) => threat.audit.samples));
  const counts = ORDER.map((status) => ({ status, count: checks.filter((check) => check.status === status).length }));
  const list = counts.filter(({ count }) => count > 0).map(({ status, count }) => `${grouped(count)} ${WORDS[status]}`);
  return html`<section id="sure"><h2>How sure are we?</h2>
<div class="pair"><div class="box"><h3>${badge}: ${BADGES[badge]}</h3>
<p>${plural(checks.length, "check")} of the model and of the attacks: ${list.join(", ")}. <a href="#checks">All checks</a></p>
<p>Robust accuracy is an upper bound: a stronger attack can only lower it. <a href="#not-tested">What was not tested</a></p></div>
<div class="box"><h3>${plural(clean.of, "sample")}${result.status === "partial" && ` of ${grouped(data.samples)}: the run was cut short`}</h3>
<p>Figures in brackets are 95 % intervals (Wilson): what another draw of as many samples could have given. They say nothing about stronger attacks.</p>
<p>${audit > 0 && `On an audit subset of ${plural(audit, "sample")} every attack ran from scratch, so that attacks can be compared. `}The run took ${duration(result.seconds)}.</p></div></div>
</section>
`;
}
