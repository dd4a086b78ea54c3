import type { Comparison, CostFacts } from "../../assess/schema.ts";
import { tableOf } from "../charts/figure.ts";
import { duration, grouped, interval, percent, plural } from "../format.ts";
import { type Content, html, type Markup, named } from "../markup.ts";
import { threatName } from "../words.ts";

/** What the change cost, and what a detector in front of the model does. */
export function costSection(comparison: Comparison): Content {
  return [cost(comparison), detectors(comparison)];
}

function cost({ training, cost }: Comparison): Markup {
  return html`<section id="cost"><h2>What it cost</h2><div class="pair">
<div class="box"><h3>Once: the training</h3>${training === null ? html`<p class="muted">No training log was given.</p>` : trainingFacts(training)}</div>
<div class="box"><h3>Always: size and time</h3>${cost === null ? html`<p class="muted">Not measured: <code>blindspot diff --cost</code> times both models in turns.</p>` : times(cost)}</div></div></section>
`;
}

function trainingFacts(training: NonNullable<Comparison["training"]>): Markup {
  const { method, threat, epochs, epoch, seconds, samplesPerSecond, stopped, train, validate, boundary, settings } =
    training;
  const source = ({ spec, rows }: typeof train) => html`${named(spec)}, ${plural(rows, "sample")}`;
  const facts: [string, Content][] = [
    ["Method", `${method} against ${threatName(threat)}`],
    [
      "Time",
      `${duration(seconds)}${samplesPerSecond === null ? "" : `, ${grouped(Math.round(samplesPerSecond))} samples/s`}`,
    ],
    ["Epochs", `${epochs}; epoch ${epoch} was kept`],
    ...(stopped === null ? [] : [["Stopped", stopped] as [string, Content]]),
    ["Trained on", source(train)],
    ["Chosen by", source(validate)],
    ...(boundary === null ? [] : [["Boundary samples", source(boundary)] as [string, Content]]),
    ["Settings", settingsText(settings)],
  ];
  return html`<dl>${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

/** `batch 100, optimizer sgd momentum 0.9, learning rate 0.01`: without what stands beside it already. */
function settingsText({ method: _, epochs: __, ...settings }: Readonly<Record<string, unknown>>): string {
  const words = (name: string) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  const said = (value: unknown): string => {
    if (Array.isArray(value)) return value.join(" ");
    if (typeof value !== "object" || value === null) return value === true ? "yes" : String(value);
    const parts = Object.entries(value).map(([name, inner]) =>
      name === "kind" ? said(inner) : `${words(name)} ${said(inner)}`,
    );
    return parts.join(" ");
  };
  return Object.entries(settings)
    .map(([name, value]) => `${words(name)} ${said(value)}`)
    .join(", ");
}

function times({ bytes, latency }: CostFacts): Markup {
  const ratio = (before: number, after: number) => `${(after / before).toFixed(2)} x`;
  const row = (name: string, before: number, after: number, text: (value: number) => string) => [
    name,
    text(before),
    text(after),
    ratio(before, after),
  ];
  const ms = (value: number) => `${value.toPrecision(3)} ms`;
  const { before, after, fullBatch, rounds } = latency;
  return html`${tableOf(
    {
      columns: ["", "before", "after", "ratio"].map((name, i) => ({ name, numeric: i > 0 })),
      rows: [
        row("Size of the file", bytes.before, bytes.after, (value) => `${grouped(value)} bytes`),
        row("A row alone", before.single, after.single, ms),
        row(`A row in a batch of ${fullBatch}`, before.full, after.full, ms),
      ],
    },
    "Size and time",
  )}<p class="muted small">Medians of ${rounds} rounds in which the two models took turns on the same machine.</p>`;
}

function detectors({ detections }: Comparison): Content {
  if (detections.length === 0) return null;
  const rows = detections.map(({ detector, version, threat, falsePositives, accuracyWithRejection, bypass, auroc }) => [
    html`${detector}<br><span class="muted small">${version}, ${threatName(threat)}</span>`,
    html`${percent(accuracyWithRejection.value)}<br><span class="muted small">${interval(accuracyWithRejection.sampling95)}, ${accuracyWithRejection.count} of ${accuracyWithRejection.of}</span>`,
    html`${percent(bypass.value)}<br><span class="muted small">${bypass.count} of ${bypass.of}</span>`,
    percent(falsePositives.value),
    html`<span class="muted small">${auroc === null ? "-" : auroc.toFixed(3)}</span>`,
  ]);
  const columns = [
    { name: "Detector" },
    { name: "Accuracy with rejection", numeric: true },
    { name: "Bypassed", numeric: true },
    { name: "Clean rejected", numeric: true },
    { name: "Static AUROC", numeric: true },
  ];
  return html`<section id="detectors"><h2>With a detector in front</h2>
<p>Measured against an attacker who knows the detector and attacks it together with the model. The static AUROC is what an attacker meets who knows nothing of it: it says little.</p>
<div class="box">${tableOf({ columns, rows }, "Detectors")}</div></section>
`;
}
