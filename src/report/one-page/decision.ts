import type { Result } from "../../assess/schema.ts";
import type { StoredRun } from "../../assess/store.ts";
import { nextSteps, verdict } from "../advice.ts";
import { plural } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { shortened } from "../visible.ts";
import { withdrawn } from "../withdrawn.ts";
import { LENGTH, short, threatLabel, worstFirst } from "./text.ts";

const STEPS = 3;
const LIMITS = 3;

/** The answer in a line, for the head of the page. */
export function banner(result: Result): Markup {
  const { short: said, trust } = verdict(result);
  return html`<p class="verdict ${trust.replace(" ", "-")}">${said}</p>`;
}

/** Verdict, severity, and what to do. */
export function decision(result: Result): Markup {
  const { because } = verdict(result);
  const [worst] = worstFirst(result);
  const reasons = worst === undefined ? [] : withdrawn(result, worst).slice(0, 1);
  return html`<section class="decision"><h2>Decision</h2>
<p>${short(because, 2 * LENGTH.paragraph)}</p>
${severity(result)}${reasons.map(({ detail, try: remedy }) => html`<p><b>Withdrawn:</b> ${short(detail, LENGTH.sentence)}.${remedy !== undefined && html` Try: ${short(remedy, LENGTH.sentence)}.`}</p>`)}
<ol class="steps">${nextSteps(result)
    .slice(0, STEPS)
    .map(({ why, command }) => html`<li>${why}${commandText(command)}</li>`)}</ol></section>
`;
}

/** The command where there is room for it: a command that is cut short helps nobody. */
function commandText(command: string): Markup {
  return command.length > LENGTH.command ? html` (command in the full report)` : html`: <code>${command}</code>`;
}

function severity({ risk, threats }: Result): Markup | null {
  if (risk === undefined || risk.threats.length === 0) return null;
  const order = ["Critical", "High", "Medium", "Low", "Info"];
  const [top] = [...risk.threats].sort((a, b) => order.indexOf(a.severity.high) - order.indexOf(b.severity.high));
  const stamp = top!.impact.source === "default" && html`; <b>impact not assessed</b>`;
  const of = threats.length > 1 && html` under ${threatLabel({ id: top!.threat })}, the highest of ${threats.length}`;
  return html`<p><b>Severity ${top!.severity.shown}</b>${of}: likelihood ${top!.likelihood.band}, impact ${top!.impact.value} of 5${stamp}. <span class="arithmetic">${shortened(top!.arithmetic, LENGTH.paragraph)}</span></p>
`;
}

/** What the page does not say. */
export function limits({ result, problems }: StoredRun): Markup {
  const partial =
    result.status === "partial" ? [`The run was cut short: ${result.clean.of} of ${result.data.samples} samples`] : [];
  const said = [...partial, ...problems, ...result.notTested];
  const more = said.length - LIMITS;
  return html`<section class="limits"><h2>Limits</h2><ul>
<li>A failed attack proves nothing: every robust accuracy is an upper bound, for this data and these limits only.</li>
${said.slice(0, LIMITS).map((text, i) => html`<li>${i >= partial.length + problems.length && "Not tested: "}${short(text, LENGTH.sentence)}</li>`)}
${more > 0 && html`<li>${plural(more, "more point")}: see the full report.</li>`}
</ul></section>
`;
}
