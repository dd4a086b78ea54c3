import type { Result, ThreatResult, ThreatRisk } from "../../assess/schema.ts";
import type { StoredRun } from "../../assess/store.ts";
import { nextSteps, verdict } from "../advice.ts";
import { plural } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { withdrawn } from "../withdrawn.ts";
import { WHO } from "../words.ts";
import { LENGTH, share, short, threatLabel, worstFirst } from "./text.ts";

const STEPS = 2;
const LIMITS = 3;

/** The answer in a line or two, for the head of the page. */
export function banner(result: Result): Markup {
  const { short: said, trust } = verdict(result);
  const severity = highest(result)?.severity.shown;
  return html`<p class="verdict ${trust.replace(" ", "-")}">${short(said, 2 * LENGTH.title)}<small>${severity !== undefined && `Severity: ${severity}. `}Evaluation badge ${result.badge}</small></p>`;
}

/** What the figures come to, how bad that is, and what to do. */
export function decision(result: Result): Markup {
  const [worst] = worstFirst(result);
  const reasons = worst === undefined ? [] : withdrawn(result, worst).slice(0, 1);
  return html`<section class="decision"><h2>Decision</h2>
<p>${because(result, worst)}</p>
${severityText(result)}${reasons.map(({ detail, try: remedy }) => html`<p><b>Withdrawn:</b> ${short(detail, LENGTH.sentence)}.${remedy !== undefined && html` Try: ${short(remedy, LENGTH.sentence)}.`}</p>`)}
<ol class="steps">${nextSteps(result)
    .slice(0, STEPS)
    .map(({ why, command }) => html`<li>${why}${commandText(command)}</li>`)}</ol></section>
`;
}

/** The table has the figures of every attacker; here the strongest stands for all. */
function because(result: Result, worst: ThreatResult | undefined): Markup {
  const { because, short: said, trust, weakest } = verdict(result);
  const [strongest] = [...(worst?.profiles ?? [])].sort((a, b) => a.robustAccuracy.value - b.robustAccuracy.value);
  if (trust === "unknown" || worst === undefined || strongest === undefined || worst.attackSuccess.of === 0)
    return short(because, LENGTH.paragraph);
  const misled = 1 - strongest.robustAccuracy.unbroken / worst.attackSuccess.of;
  return html`<b>${said}:</b> of what it gets right, ${WHO[strongest.knowledge]} misleads it on ${share(misled)} within ${threatLabel(worst)}.${weakest !== undefined && html` ${short(weakest, LENGTH.sentence)}`}`;
}

/** The command where there is room for it: a command that is cut short helps nobody. */
function commandText(command: string): Markup {
  return command.length > LENGTH.command ? html` (command in the full report)` : html`: <code>${command}</code>`;
}

/** The risk of the threat that is worst for the one who deploys the model. */
function highest({ risk }: Result): ThreatRisk | undefined {
  const order = ["Critical", "High", "Medium", "Low", "Info"];
  const rank = ({ severity }: ThreatRisk) => order.indexOf(severity.high);
  return [...(risk?.threats ?? [])].sort((a, b) => rank(a) - rank(b))[0];
}

function severityText(result: Result): Markup | null {
  const top = highest(result);
  if (top === undefined) return null;
  const { arithmetic, impact, likelihood, severity, threat } = top;
  const many = result.threats.length;
  const of = many > 1 && html` under ${threatLabel({ id: threat })}, the highest of ${many}`;
  const stamp = impact.source === "default" && html`; <b>impact not assessed</b>`;
  return html`<p><b>Severity ${severity.shown}</b>${of}: likelihood ${likelihood.band}, impact ${impact.value} of 5${stamp}. <span class="arithmetic">${short(arithmetic, LENGTH.arithmetic)}</span></p>
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
