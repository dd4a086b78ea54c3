import type { Comparison } from "../../assess/schema.ts";
import { commandLine } from "../command-line.ts";
import { duration, grouped, plural } from "../format.ts";
import { command } from "../html/view.ts";
import { type Content, html, type Markup, named } from "../markup.ts";
import { samplesText } from "./rows.ts";

/** How it was measured, by which files, and what nobody measured. */
export function closing(comparison: Comparison): Content {
  return [measured(comparison), notTested(comparison)];
}

function measured(comparison: Comparison): Markup {
  const { before, after, data, seed, training, threats } = comparison;
  const model = ({ model: { name, sha256, fingerprint }, run }: Comparison["before"]) =>
    html`${named(name)}, ${sha256 !== undefined ? html`SHA-256 <code>${sha256}</code>` : html`fingerprint <code>${fingerprint}</code>`}; run begun ${run.startedAt}, ${duration(run.seconds)}, badge ${run.badge}`;
  const source = ({ spec, sha256, rows }: NonNullable<Comparison["training"]>["train"]) =>
    html`${named(spec)}, ${plural(rows, "sample")}, SHA-256 <code>${sha256}</code>`;
  const attacks = threats.map(
    ({ id, profiles }) =>
      html`${id}: ${profiles.map(({ knowledge, attacks: names }) => `${knowledge} ${names.join(", ")}`).join("; ")}<br>`,
  );
  const facts: [string, Content][] = [
    ["Before", model(before)],
    ["After", model(after)],
    [
      "Held-out data",
      html`${named(data.spec)}, SHA-256 <code>${data.sha256}</code>; ${data.draw}, seed ${seed}; ${samplesText(comparison)}`,
    ],
    ["Attacks on both", attacks],
    ...(training === null
      ? []
      : ([
          ["Trained from", html`SHA-256 <code>${training.model}</code>`],
          ["Training data", source(training.train)],
          ["Chosen by", source(training.validate)],
          [
            "Trained on",
            html`${grouped(training.trainedOn.inputs)} distinct inputs; list SHA-256 <code>${training.trainedOn.sha256}</code>`,
          ],
          ["Training log", html`SHA-256 <code>${training.log}</code>`],
        ] as [string, Content][])),
  ];
  const folders = ["BEFORE", "AFTER"];
  return html`<section id="measured"><h2>How it was measured</h2>
<p>Both models were attacked afresh, by the same attacks with the same settings, seed and budget, on the same samples. Each success was verified on the model's own file. Samples that were trained on are in no rate, nor is any of their group.</p>
${command(commandLine(["diff", ...folders, "--out", "COMPARISON"]))}
<div class="box"><dl>${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></div></section>
`;
}

function notTested({ notTested: list, notCompared }: Comparison): Markup {
  return html`<section id="not-tested"><h2>What was not tested</h2>
<div class="box"><p>A robust accuracy is an upper bound, before and after: a stronger attack can only lower it. Nothing here says how either model withstands these:</p><ul class="plain">${[...notCompared, ...list].map((item) => html`<li>${item}</li>`)}<li>attackers with more queries, steps or time than these runs spent</li></ul></div></section>
`;
}
