import type { Check, Result } from "../../assess/schema.ts";
import { tableOf } from "../charts/figure.ts";
import { runCommand } from "../command-line.ts";
import { duration, plural } from "../format.ts";
import { type Content, html, type Markup, named } from "../markup.ts";
import { askedText, surrogateText, threatName } from "../words.ts";
import { className, command } from "./view.ts";

const STATUS: Readonly<Record<Check["status"], string>> = {
  pass: "pass",
  warn: "warning",
  fail: "FAILED",
  skipped: "not run",
};

/** What was checked, what was not tested, how to do it again: what a reader needs to disagree. */
export function closing(result: Result): Content {
  return [natural(result), checks(result), notTested(result), reproduce(result), mappings(result)];
}

function natural(result: Result): Markup {
  const { clean, naturalErrors } = result;
  const wrong = clean.of - clean.correct;
  const title = html`<h2>Wrong without any attack</h2>`;
  if (wrong === 0) return html`<section id="natural">${title}<p>None of ${plural(clean.of, "sample")}.</p></section>\n`;
  const columns = [{ name: "Sample" }, { name: "True class" }, { name: "The model says" }];
  const rows = naturalErrors.map(({ sample, label, predicted }) => [
    named(sample),
    named(className(result, label)),
    named(className(result, predicted)),
  ]);
  const more = wrong - naturalErrors.length;
  return html`<section id="natural">${title}<p>${plural(wrong, "sample")} of ${clean.of}: natural errors, which count against robust accuracy too.</p>
<div class="box">${tableOf({ columns, rows }, "Natural errors")}${more > 0 && html`<p class="muted small">And ${more} more, in samples.jsonl.</p>`}</div></section>
`;
}

function checks({ checks: list, threats }: Result): Markup {
  const columns = [{ name: "Check" }, { name: "Status" }, { name: "What was seen" }];
  const rows = list.map(({ id, status, detail, threat, try: hint }) => [
    threats.length > 1 && threat !== undefined ? `${id} (${threatName(threat)})` : id,
    html`<span class="chip ${status}">${STATUS[status]}</span>`,
    html`${detail}${hint !== undefined && html`<br><strong>Try:</strong> ${hint}`}`,
  ]);
  return html`<section id="checks"><h2>Checks</h2><p>Of the model, and of the attacks: an attack that is broken makes any model look robust. A failed check withdraws the figures.</p>
<div class="box">${list.length === 0 ? "None ran." : tableOf({ columns, rows }, "Checks")}</div></section>
`;
}

function notTested({ notTested: list }: Result): Markup {
  return html`<section id="not-tested"><h2>What was not tested</h2>
<div class="box"><p>Nothing here says that the model withstands these:</p><ul class="plain">${list.map((item) => html`<li>${item}</li>`)}<li>attackers with more queries, steps or time than this run spent</li></ul></div></section>
`;
}

function reproduce(result: Result): Markup {
  const { asked, model, data, runtime, tool, seed, startedAt, seconds } = result;
  const facts: [string, Content][] = [
    [
      "Model",
      html`${named(model.name)}, ${model.sha256 === undefined ? html`${model.kind}, fingerprint <code>${model.fingerprint ?? "none"}</code>` : html`SHA-256 <code>${model.sha256}</code>`}`,
    ],
    ...(model.authorized === undefined ? [] : [["Permission", named(model.authorized)] as [string, Content]]),
    ...(model.surrogate === undefined ? [] : [["Surrogate", surrogateText(model.surrogate)] as [string, Content]]),
    ...(asked === undefined ? [] : [["Asked", askedText(asked)] as [string, Content]]),
    ["Input", `${model.dims.join(" x ")}, ${plural(model.classes.length, "class", "classes")}`],
    ...model.notes.map((note): [string, Content] => ["Note on the model", note]),
    ["Data", html`${named(data.spec)}, SHA-256 <code>${data.sha256}</code>`],
    ["Samples", `${data.draw}; seed ${seed}`],
    ["Program", `${tool.name} ${tool.version}`],
    [
      "Runtime",
      runtime === null
        ? "not recorded"
        : `${runtime.name} ${runtime.version}, ${runtime.provider}, ${plural(runtime.threads, "thread")}, optimization ${runtime.optimization}`,
    ],
    ["Begun", `${startedAt}, ${duration(seconds)}`],
  ];
  return html`<section id="reproduce"><h2>How to reproduce</h2>
<p>What happens to a sample depends on seed, attack, settings and sample alone: the same command gives the same findings on the same machine. Each finding above has its own command.</p>
${command(runCommand(result))}
<div class="box"><dl>${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></div></section>
`;
}

function mappings({ risk }: Result): Content {
  if (risk === undefined) return null;
  const { atlas, owasp, nist, cwe, aiAct } = risk.mappings;
  const versions = risk.catalogs.map(({ name, version }) => `${name} ${version}`);
  return html`<section id="mappings"><h2>In the words of catalogs</h2>
<div class="box"><dl><dt>MITRE ATLAS</dt><dd>${atlas.map(({ id, name }) => html`${id} ${name}<br>`)}</dd>
<dt>OWASP ML Top 10</dt><dd>${owasp.join(", ")}</dd><dt>NIST AI 100-2</dt><dd>${nist.join(", ")}</dd><dt>CWE</dt><dd>${cwe.join(", ")}</dd>
<dt>EU AI Act</dt><dd>Evidence toward ${aiAct.join(", ")}; not a statement of compliance</dd></dl>
<p class="muted small">Data of the catalogs: ${versions.join("; ")}.</p></div></section>
`;
}
