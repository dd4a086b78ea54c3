import type { Finding, Result, SampleLine, ThreatResult } from "../../assess/schema.ts";
import { countsChart } from "../charts/counts.ts";
import { curveChart } from "../charts/curve.ts";
import { type EffortSeries, effortChart, median } from "../charts/effort.ts";
import { tableOf } from "../charts/figure.ts";
import { type IntervalRow, intervalsChart } from "../charts/intervals.ts";
import { LOOKS } from "../charts/series.ts";
import { duration, grouped, interval, percent, plural } from "../format.ts";
import { type Content, html, type Markup } from "../markup.ts";
import { BANDS } from "../most-telling.ts";
import { withdrawn } from "../withdrawn.ts";
import { NORMS, threatName } from "../words.ts";
import { confusion } from "./confusion.ts";
import { threatTitle, type View } from "./view.ts";

/** The figures: how many stand, at which size, into what, at which cost. */
export function evidence({ result, run }: View): Markup {
  const evaluated = result.threats.filter(({ robustAccuracy }) => robustAccuracy.of > 0);
  return html`<section id="evidence"><h2>What the attacks found</h2>
${evaluated.length === 0 && html`<p>Nothing was evaluated.</p>`}
${evaluated.map((threat, i) => underThreat(result, threat, linesOf(run.samples, threat), findingsOf(run.findings, threat), i))}
</section>
`;
}

function linesOf(samples: readonly SampleLine[], { id }: ThreatResult): SampleLine[] {
  return samples.filter((line) => line.threat === id);
}

function findingsOf(findings: readonly Finding[], { id }: ThreatResult): Finding[] {
  return findings.filter(({ constraints }) => constraints.threat === id);
}

function underThreat(
  result: Result,
  threat: ThreatResult,
  lines: readonly SampleLine[],
  findings: readonly Finding[],
  number: number,
): Markup {
  const key = `t${number}`;
  return html`<h3>Under ${threatTitle(threat)}</h3>
<div class="pair">${accuracy(result, threat, key)}${curve(threat, key)}${effort(threat, lines, key)}${visibility(findings, key)}</div>
${confusion(result, lines, key)}
${attacks(threat)}`;
}

function accuracy(result: Result, threat: ThreatResult, key: string): Markup {
  const off = withdrawn(result, threat).length > 0;
  const { clean } = result;
  const robust = (
    label: string,
    { value, unbroken, of, sampling95 }: ThreatResult["robustAccuracy"],
    look: IntervalRow["look"],
  ) => ({
    label,
    look,
    value,
    count: unbroken,
    of,
    interval: sampling95,
    withdrawn: off,
  });
  const rows: IntervalRow[] = [
    {
      label: "no attack",
      look: LOOKS.clean,
      value: clean.accuracy,
      count: clean.correct,
      of: clean.of,
      interval: clean.sampling95,
    },
    ...threat.profiles.map((profile) => robust(profile.knowledge, profile.robustAccuracy, LOOKS[profile.knowledge])),
    ...(threat.profiles.length > 1 ? [robust("all together", threat.robustAccuracy, LOOKS.all)] : []),
  ];
  const said = rows.map(({ label, value, interval: range }) => `${label} ${percent(value)} ${interval(range)}`);
  return intervalsChart(
    {
      id: `${key}-accuracy`,
      title: "Accuracy, by what the attacker knows",
      description: `Share of samples that stay correctly classified, with 95 % intervals: ${said.join("; ")}.`,
    },
    rows,
  );
}

function curve({ curve: points, curveAttack, norm, epsilon }: ThreatResult, key: string): Content {
  if (points.length < 2) return null;
  const { of } = points[0]!;
  return curveChart(
    {
      id: `${key}-curve`,
      title: "Accuracy, by the size of the change",
      description: `${curveAttack ?? "One attack"} on ${plural(of, "sample")}: ${points.map((point) => `${percent(point.accuracy)} at ${Number(point.epsilon.toPrecision(3))}`).join(", ")}.`,
    },
    points,
    { epsilon, axis: `${NORMS[norm]} size of the allowed change (${curveAttack ?? "attack"}, ${of} samples)` },
  );
}

/** Queries until success, of each profile that attacked by itself the samples that the model gets right. */
function effort(threat: ThreatResult, lines: readonly SampleLine[], key: string): Content {
  const series = threat.profiles.map(({ knowledge }): EffortSeries => {
    const ran = lines.flatMap((line) => (line.status === "misclassified" ? [] : (line.profiles[knowledge] ?? [])));
    const fooled = ran.filter(({ status }) => status === "fooled").map(({ queries }) => queries);
    return { name: knowledge, look: LOOKS[knowledge], queries: fooled.sort((a, b) => a - b), attacked: ran.length };
  });
  const shown = series.filter(({ attacked }) => attacked > 0);
  if (shown.length === 0) return null;
  const said = shown.map((one) => {
    const middle = median(one);
    return `${one.name}: ${one.queries.length} of ${one.attacked} fooled, median ${middle === null ? "more than was spent" : `${grouped(middle)} queries`}`;
  });
  return effortChart(
    {
      id: `${key}-effort`,
      title: "Samples fooled, by the queries that it took",
      description: `${said.join("; ")}. A mark on the dashed line is a median.`,
    },
    shown,
  );
}

/** Would anyone notice: findings by how visible their change is. */
function visibility(findings: readonly Finding[], key: string): Content {
  if (findings.length === 0) return null;
  const rows = BANDS.map((band) => ({
    label: band,
    count: findings.filter(({ perturbation }) => perturbation.perceptibility.band === band).length,
  }));
  return countsChart(
    {
      id: `${key}-visibility`,
      title: "Findings, by how visible the change is",
      description: `${rows.map(({ label, count }) => `${label}: ${count}`).join("; ")}. The rule stands with each finding.`,
    },
    rows,
  );
}

function attacks(threat: ThreatResult): Markup {
  const rows = threat.profiles.flatMap(({ knowledge, attacks: list }) =>
    list.map((attack) => {
      const audit = threat.audit.attacks.find((other) => other.name === attack.name && other.knowledge === knowledge);
      const middle = audit === undefined || audit.attempted === 0 ? "-" : (audit.queries.median ?? "over budget");
      return [
        attack.name,
        knowledge,
        grouped(attack.succeeded),
        grouped(attack.attempted),
        percent(attack.robustAccuracyAfter),
        typeof middle === "number" ? grouped(middle) : middle,
        duration(attack.seconds),
      ];
    }),
  );
  const columns = [
    { name: "Attack" },
    { name: "Attacker" },
    { name: "Broke", numeric: true },
    { name: "Of", numeric: true },
    { name: "Stand after it", numeric: true },
    { name: "Median queries", numeric: true },
    { name: "Model time", numeric: true },
  ];
  return html`<div class="box"><h3>Attacks that ran</h3><p class="muted small">Within a profile from cheap to strong, each on what still stands. Medians come from the audit subset (${plural(threat.audit.samples, "sample")}), where every attack ran from scratch.</p>
${tableOf({ columns, rows }, `Attacks that ran under ${threatName(threat.id)}`)}</div>`;
}
