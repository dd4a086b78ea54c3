import type { Finding, Result, ThreatResult } from "../../assess/schema.ts";
import { verdict } from "../advice.ts";
import { share } from "../charts/confidence.ts";
import { grouped, interval, percent, plural } from "../format.ts";
import { type Content, html, type Markup, named } from "../markup.ts";
import { withdrawn } from "../withdrawn.ts";
import { limitText, threatName } from "../words.ts";
import { className, PIXELATED, severityChip, threatTitle, type View } from "./view.ts";

/** What the reader is to know if nothing else is read: the figure, whether it holds, what it looks like. */
export function headline(view: View): Markup {
  const { result, run } = view;
  const { trust, short, because } = verdict(result);
  return html`<header class="wide top"><p class="eyebrow">Blindspot: security risk assessment of a classifier</p>
<h1>${named(result.model.name)}</h1>
<p class="muted">${named(result.data.spec)}: ${result.data.draw}; seed ${result.seed}</p>
${lead(result)}
<p class="verdict"><strong>${short}${trust === "unknown" ? ":" : "."}</strong> ${because}</p>
${withdrawals(result)}
${run.problems.length > 0 && notice("What is missing from this run, or does not fit", run.problems)}
${strip(view)}
${tiles(result)}
</header>
`;
}

function notice(title: string, items: readonly Content[]): Markup {
  return html`<div class="notice soft" role="note"><strong>${title}</strong><ul>${items.map((item) => html`<li>${item}</li>`)}</ul></div>`;
}

/** The threats that were evaluated, the one that the model stands least first. */
function hardestFirst({ threats }: Result): ThreatResult[] {
  const evaluated = threats.filter(({ robustAccuracy }) => robustAccuracy.of > 0);
  return evaluated.sort((a, b) => a.robustAccuracy.value - b.robustAccuracy.value);
}

function modality({ model }: Result): "image" | "vector" {
  return model.dims.length === 3 ? "image" : "vector";
}

function lead(result: Result): Markup {
  const [threat] = hardestFirst(result);
  if (threat === undefined) return html`<p class="lead">Nothing was evaluated.</p>`;
  const { norm, epsilon, id, robustAccuracy: robust } = threat;
  const limit = limitText({ norm, epsilon, id, modality: modality(result) });
  const figure = html`<strong>${percent(robust.value)}</strong> ${interval(robust.sampling95)}`;
  const shown = withdrawn(result, threat).length > 0 ? html`<s>${figure}</s> (withdrawn)` : figure;
  return html`<p class="lead">Right on <strong class="right">${percent(result.clean.accuracy)}</strong> of ${plural(result.clean.of, "sample")}. When an attacker may change ${limit}, ${shown} stand.</p>`;
}

function withdrawals(result: Result): Content {
  return result.threats
    .filter((threat) => withdrawn(result, threat).length > 0)
    .map((threat) => {
      const reasons = withdrawn(result, threat).map(
        (check) =>
          html`<li><strong>${check.id}</strong>: ${check.detail}${check.try !== undefined && html`. <em>Try:</em> ${check.try}`}</li>`,
      );
      return html`<div class="notice" role="note"><strong>The figure at ${threatTitle(threat)} is withdrawn: a check failed</strong><ul>${reasons}</ul></div>`;
    });
}

/** Threats with a tile of their own. */
const TILES = 4;

function tiles(result: Result): Markup {
  const threats = hardestFirst(result);
  const risk = result.risk?.threats.find(({ threat }) => threat === threats[0]?.id);
  const { clean } = result;
  return html`<ul class="tiles">
<li>Without attack<b>${percent(clean.accuracy)}</b><span class="muted small">${interval(clean.sampling95)}, ${clean.correct} of ${clean.of}</span></li>
${threats.slice(0, TILES).map((threat) => standing(result, threat))}
${risk !== undefined && html`<li>Severity<b>${severityChip(risk.severity.shown, risk.severity.high)}</b><span class="muted small">${risk.impact.source === "default" ? "impact not assessed" : `declared impact ${risk.impact.value} of 5`}</span></li>`}
<li>Evaluation<b>${result.badge}</b><span class="muted small">${BADGES[result.badge]}</span></li>
<li>Findings<b>${grouped(result.findings)}</b><span class="muted small">each verified on the original model</span></li>
</ul>`;
}

function standing(result: Result, threat: ThreatResult): Markup {
  const { value, sampling95, unbroken, of, bracket } = threat.robustAccuracy;
  const proved = bracket && `; proved for ${Math.round(bracket.certified * of)}`;
  const figure = withdrawn(result, threat).length > 0 ? html`<s>${percent(value)}</s>` : percent(value);
  return html`<li>Under ${threatName(threat.id)}<b>${figure}</b><span class="muted small">${interval(sampling95)}, ${unbroken} of ${of}${proved}</span></li>`;
}

/** How far an evaluation went, in a few words. */
export const BADGES: Readonly<Record<Result["badge"], string>> = {
  E0: "unaudited: a check failed, or the run is not finished",
  E1: "sane: the basic checks hold",
  E2: "converged: the audit protocol holds",
  E3: "tested: the evaluation itself was put to the test",
  E4: "adaptive: attacks made for this very defense",
};

const STRIP = 4;

/** The most telling findings, before and after: what a reader remembers. */
function strip({ chosen, album, result, anchors }: View): Content {
  const shown = chosen.filter((finding) => album.pictures.has(finding)).slice(0, STRIP);
  if (shown.length === 0) return null;
  const item = (finding: Finding) => {
    const { before, after, width } = album.pictures.get(finding)!;
    const pixels = width <= PIXELATED && html` class="pixels"`;
    const half = (
      kind: string,
      src: string,
      when: string,
      { label, confidence }: Finding["outputChange"]["before"],
    ) => {
      const says = className(result, label);
      return html`<span class="${kind}"><img${pixels} src="${src}" alt="${when}: ${says}"><span><b>${named(says)}</b>${share(confidence)} sure</span></span>`;
    };
    return html`<li><a href="#${anchors.get(finding)}"><span class="two">${half("was", before, "Before", finding.outputChange.before)}${half("is", after, "After", finding.outputChange.after)}</span></a></li>`;
  };
  return html`<ul class="strip" aria-label="Before and after">${shown.map(item)}</ul>`;
}
