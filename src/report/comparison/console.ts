import type { Comparison, CostFacts } from "../../assess/schema.ts";
import { duration, grouped, percent, plural, table } from "../format.ts";
import { visible } from "../visible.ts";
import {
  cleanRow,
  methodText,
  points,
  pointsInterval,
  type RateRow,
  samplesText,
  summary,
  threatRows,
  threatTitle,
  unseenText,
  withdrawals,
} from "./rows.ts";

const CHANGED = 8;

/** A comparison as text for a terminal. */
export function comparisonText(comparison: Comparison): string {
  const { before, after, data, seed, threats, training, headlineNotes, notCompared } = comparison;
  const lines = [
    `${before.model.name} -> ${after.model.name}: before and after`,
    `Data       ${data.spec}: ${data.draw}; seed ${seed}; ${samplesText(comparison)}`,
    ...(training === null ? [] : [`Training   ${trainingText(training)}`, `Not used   ${unseenText(comparison)}`]),
    ...headlineNotes.map((note) => `NOTE       ${note}`),
    ...withdrawals(comparison).map((reason) => `WITHDRAWN  ${reason}`),
    "",
    ...rateTable([cleanRow(comparison)], true),
    ...threats.flatMap((threat) => [`Under ${threatTitle(threat)}`, ...rateTable(threatRows(threat), false)]),
    ...costLines(comparison.cost),
    ...comparison.detections.map(
      ({ detector, version, threat, accuracyWithRejection: rate, falsePositives }) =>
        `Detector   ${detector}, ${version}, at ${threat.split(";")[0]}: ${percent(rate.value)} correct and accepted (${rate.count} of ${rate.of}), ${percent(falsePositives.value)} of clean inputs rejected`,
    ),
    ...changedLines(comparison),
    ...notCompared.map((text) => `Not compared: ${text}`),
    summary(comparison),
    methodText(comparison),
  ];
  return `${lines.map(visible).join("\n")}\n`;
}

function rateTable(rows: readonly RateRow[], head: boolean): string[] {
  const cells = rows.map(({ label, rate, withdrawn }) => [
    `  ${label}`,
    `${percent(rate.before.value)} (${grouped(rate.before.right)})`,
    `${percent(rate.after.value)} (${grouped(rate.after.right)})`,
    `${withdrawn ? "withdrawn: " : ""}${points(rate.difference.value)} ${pointsInterval(rate.difference)}`,
    `${grouped(rate.gained)} / ${grouped(rate.lost)}`,
    ...(rate.trainedOn === undefined
      ? []
      : [`${rate.trainedOn.before} -> ${rate.trainedOn.after} of ${rate.trainedOn.of}`]),
  ]);
  const names = ["", "before", "after", "points [95 %]", "gained / lost"];
  const aside = rows.some(({ rate }) => rate.trainedOn !== undefined);
  const titled = head ? [[...names, ...(aside ? ["trained on"] : [])], ...cells] : cells;
  // Widths that tables of one page share.
  const padded = titled.map((row) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(16) : cell.padStart([0, 14, 14, 24, 13, 18][i]!))),
  );
  return table(
    padded,
    names.map((_, i) => (i === 0 ? "left" : "right")).concat(aside ? ["right"] : []) as ("left" | "right")[],
  );
}

/** What was trained, how and for how long. */
export function trainingText(training: NonNullable<Comparison["training"]>): string {
  const { method, threat, epochs, epoch, seconds, train, stopped } = training;
  const early = stopped === null ? "" : `; stopped: ${stopped}`;
  return `${method} against ${threat.split(";")[0]}, ${plural(epochs, "epoch")} in ${duration(seconds)} on ${plural(train.rows, "sample")}, epoch ${epoch} kept${early}`;
}

function costLines(cost: CostFacts | null): string[] {
  if (cost === null) return [];
  const { bytes, latency } = cost;
  const times = ({ single, full }: CostFacts["latency"]["before"]) =>
    `${single.toFixed(2)} ms alone, ${full.toFixed(3)} ms in a batch of ${latency.fullBatch}`;
  return [
    `Size       ${grouped(bytes.before)} -> ${grouped(bytes.after)} bytes`,
    `Latency    ${times(latency.before)} -> ${times(latency.after)} (a row)`,
  ];
}

function changedLines({ threats, classes }: Comparison): string[] {
  const named = (changes: Comparison["clean"]["changes"]["gained"]) => {
    const shown = changes.slice(0, CHANGED).map(({ index, label }) => `${index} (${classes[label] ?? label})`);
    const more = changes.length > CHANGED ? ` and ${grouped(changes.length - CHANGED)} more` : "";
    return `${shown.join(", ")}${more}`;
  };
  return threats.flatMap(({ id, changes: { lost } }) =>
    lost.length === 0 ? [] : [`Lost under ${id.split(";")[0]}: samples ${named(lost)}`],
  );
}
