import type { Result, ThreatRisk } from "../../assess/schema.ts";
import { tableOf } from "../charts/figure.ts";
import { grouped, percent, plural } from "../format.ts";
import { type Content, html, type Markup, named } from "../markup.ts";
import { threatName } from "../words.ts";
import { severityChip } from "./view.ts";

const PAIRS = 8;
const EXPOSURE: Readonly<Record<string, string>> = {
  public: "anybody can have the model",
  internal: "insiders can have the model",
  "api-scores": "outsiders see scores",
  "api-labels": "outsiders see labels alone",
};

/** Measured likelihood, declared impact, and the severity of both, with the arithmetic. */
export function riskSection({ risk }: Result): Content {
  if (risk === undefined)
    return html`<section id="risk"><h2>Risk and severity</h2><p>Not computed for this run: <code>npx blindspot risk DIR</code> does it.</p></section>`;
  const { declared } = risk;
  return html`<section id="risk"><h2>Risk and severity</h2>
<p>Likelihood is measured, impact is declared by whoever runs the model; how far the evaluation went limits what may be said.</p>
${!declared.assessed && html`<div class="notice soft" role="note"><strong>Impact not assessed.</strong> Nobody declared what a mistake costs: ${declared.impact.default} of 5 is assumed for each.</div>`}
<p>Declared: exposure <strong>${declared.exposure}</strong> (${EXPOSURE[declared.exposure]}); looking at the inputs: <strong>${declared.viewer}</strong>.</p>
${risk.threats.map(threatBox)}
<p class="muted small">Formula ${risk.formula}.</p>
</section>
`;
}

function threatBox(threat: ThreatRisk): Markup {
  const { likelihood, severity, impact } = threat;
  const band =
    likelihood.band === likelihood.bandHigh ? likelihood.band : `${likelihood.band} to ${likelihood.bandHigh}`;
  return html`<div class="box"><h3>${threatName(threat.threat)} ${severityChip(severity.shown, severity.high)}</h3>
<dl><dt>Likelihood</dt><dd>${band} (${likelihood.value.toFixed(2)}, at most ${likelihood.high.toFixed(2)})</dd>
<dt>Impact</dt><dd>${impact.value} of 5, ${impact.source === "default" ? "not assessed" : "declared"}${impact.pair !== null && html`: ${named(impact.pair.true)} → ${named(impact.pair.wrong)}`}</dd>
<dt>Deciding attacker</dt><dd>${threat.profile ?? "none within reach ran"}</dd>
<dt>Arithmetic</dt><dd>${threat.arithmetic}</dd></dl>
${profiles(threat)}
${pairs(threat)}</div>`;
}

function profiles({ profiles: list }: ThreatRisk): Markup {
  const columns = [
    { name: "Attacker" },
    { name: "In reach" },
    { name: "Fooled", numeric: true },
    { name: "Success", numeric: true },
    { name: "Median queries", numeric: true },
    { name: "Effort", numeric: true },
    { name: "Stealth", numeric: true },
    { name: "Likelihood", numeric: true },
  ];
  const rows = list.map((one) => [
    one.knowledge,
    one.inReach ? "yes" : "no",
    `${grouped(one.fooled)} of ${grouped(one.of)}`,
    percent(one.p),
    one.medianQueries === null ? "-" : grouped(one.medianQueries),
    one.effort.toFixed(2),
    one.stealth.toFixed(2),
    `${one.likelihood.toFixed(2)} to ${one.likelihoodHigh.toFixed(2)}`,
  ]);
  return tableOf({ columns, rows }, "Likelihood by attacker");
}

function pairs({ pairs: list }: ThreatRisk): Content {
  if (list.length === 0) return null;
  const shown = list.slice(0, PAIRS);
  const columns = [
    { name: "Mistake" },
    { name: "Samples", numeric: true },
    { name: "Impact", numeric: true },
    { name: "Severity" },
  ];
  const rows = shown.map((pair) => [
    html`${named(pair.true)} → ${named(pair.wrong)}`,
    grouped(pair.samples),
    pair.source === "default" ? `${pair.impact} (assumed)` : String(pair.impact),
    severityChip(pair.shown, pair.severityHigh),
  ]);
  const more = list.length - shown.length;
  return html`<h4>Mistakes, the costliest first</h4>${tableOf({ columns, rows }, "Severity of mistakes")}${more > 0 && html`<p class="muted small">And ${plural(more, "more pair")} of classes; the table of findings has all.</p>`}`;
}
