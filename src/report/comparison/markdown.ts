import type { Comparison, ThreatComparison } from "../../assess/schema.ts";
import { grouped, percent, plural } from "../format.ts";
import { code, sentence } from "../markdown.ts";
import { trainingText } from "./console.ts";
import {
  cleanRow,
  methodText,
  points,
  pointsInterval,
  pText,
  type RateRow,
  samplesText,
  summary,
  threatRows,
  unseenText,
  withdrawals,
} from "./rows.ts";

const SHOWN = { threats: 8, samples: 10, points: 15 } as const;

/** A comment for a pull request that changes a model. */
export function comparisonMarkdown(comparison: Comparison): string {
  const { before, after, data, seed, threats, training, cost, detections, headlineNotes, notCompared, notTested } =
    comparison;
  const left = threats.length - SHOWN.threats;
  const lines = [
    `## Blindspot: ${code(before.model.name)} and ${code(after.model.name)}`,
    "",
    `**${sentence(summary(comparison))}**`,
    "",
    `On ${code(data.spec)} (${sentence(data.draw)}; seed ${seed}): ${samplesText(comparison)}. Both attacked afresh, with equal effort.`,
    "",
    ...headlineNotes.map((note) => `- **Note:** ${sentence(note)}`),
    ...withdrawals(comparison).map((reason) => `- **Withdrawn:** ${sentence(reason)}`),
    ...(headlineNotes.length + withdrawals(comparison).length > 0 ? [""] : []),
    ...rateTable([cleanRow(comparison)]),
    ...threats.slice(0, SHOWN.threats).flatMap(threatLines),
    ...(left > 0 ? [`And ${plural(left, "more threat")}: see the page.`, ""] : []),
    ...lostLines(comparison),
    ...(training === null
      ? []
      : [`Training: ${sentence(trainingText(training))}. Not used in it: ${sentence(unseenText(comparison))}.`, ""]),
    ...(cost === null
      ? []
      : [
          `A row alone takes ${cost.latency.before.single.toPrecision(3)} ms before, ${cost.latency.after.single.toPrecision(3)} ms after; ${grouped(cost.bytes.before)} and ${grouped(cost.bytes.after)} bytes.`,
          "",
        ]),
    ...detections.map(
      ({ detector, version, accuracyWithRejection: rate }) =>
        `- Detector ${sentence(detector)}, ${version}: ${percent(rate.value)} correct and accepted under an attacker who knows it`,
    ),
    ...(detections.length > 0 ? [""] : []),
    "### Not tested",
    "",
    ...[...notCompared, ...notTested].slice(0, SHOWN.points).map((text) => `- ${sentence(text)}`),
    "- attackers with more queries, steps or time than these runs spent",
    "",
    methodText(comparison),
    "",
  ];
  return lines.join("\n");
}

function threatLines(threat: ThreatComparison): string[] {
  const known =
    threat.usedInTraining === null ? "" : threat.usedInTraining ? " (trained against)" : " (not used in training)";
  return [`### Under ${code(threat.id)}${known}`, "", ...rateTable(threatRows(threat))];
}

function rateTable(rows: readonly RateRow[]): string[] {
  const aside = rows.some(({ rate }) => rate.trainedOn !== undefined);
  const head = ["", "before", "after", "points, 95 %", "gained, lost", "", ...(aside ? ["trained on"] : [])];
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const body = rows.map(({ label, rate, withdrawn }) => {
    const change = `${points(rate.difference.value)} ${pointsInterval(rate.difference)}`;
    return line([
      label,
      `${percent(rate.before.value)} (${rate.before.right} of ${rate.of})`,
      `${percent(rate.after.value)} (${rate.after.right} of ${rate.of})`,
      withdrawn ? `~~${change}~~` : change,
      `+${rate.gained}, -${rate.lost}`,
      pText(rate.p).replace("<", "&lt;"),
      ...(aside
        ? [
            rate.trainedOn === undefined
              ? ""
              : `${rate.trainedOn.before} to ${rate.trainedOn.after} of ${rate.trainedOn.of}`,
          ]
        : []),
    ]);
  });
  return [line(head), line(head.map((_, i) => (i === 0 ? "---" : "---:"))), ...body, ""];
}

function lostLines({ threats, classes }: Comparison): string[] {
  const lost = threats.flatMap(({ id, changes }) => changes.lost.map((one) => ({ ...one, id })));
  if (lost.length === 0) return [];
  const said = lost.slice(0, SHOWN.samples).map(({ sample, label, broken, id }) => {
    const by = broken === null ? "wrong without attack" : `broken by ${broken.attack}`;
    return `- ${code(sample)}, ${code(classes[label] ?? String(label))}: ${by} under ${code(id)}`;
  });
  const more = lost.length - SHOWN.samples;
  return ["### Lost", "", ...said, ...(more > 0 ? [`- and ${grouped(more)} more`] : []), ""];
}
