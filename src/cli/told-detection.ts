import type { DetectionResult, FittedFile, Rate } from "../defenses/detectors/index.ts";
import { duration, interval, percent, table } from "../report/format.ts";

const counted = ({ value, count, of, sampling95 }: Rate) =>
  `${percent(value).padStart(7)}  ${interval(sampling95)}  ${count} of ${of}`;

/** What `detect fit` has done, in lines. */
export function printedFit(
  { card, rejected }: FittedFile,
  files: { readonly file: string; readonly seen: string },
): string {
  const { describes, fitted, calibrated, falsePositiveBudget, threshold, values } = card;
  return `${[
    describes,
    `  fitted     on ${fitted.samples} inputs of ${fitted.spec}`,
    `  threshold  ${threshold.toPrecision(5)}: rejects ${rejected.count} of ${rejected.of} clean inputs of ${calibrated.spec} (budget ${percent(falsePositiveBudget)})`,
    ...(card.overlap > 0
      ? [`  OVERLAP    ${card.overlap} of the inputs for the threshold were fitted on, or belong to a group that was`]
      : []),
    `  written    ${files.file}: outputs ${values.scores}, ${values.label}, ${values.suspicion}, ${values.rejected}`,
    `             ${files.seen}`,
    "Whether it helps is for `blindspot detect evaluate` to say, on other data.",
  ].join("\n")}\n`;
}

/** What `detect evaluate` has measured: the headline first, the side figure last. */
export function printedDetection(result: DetectionResult, out: string | null): string {
  const { detector, threat, clean, accuracyWithRejection, bypass, adaptive } = result;
  const { fooled, bypassed, auroc, noiseRejected } = result.static;
  const area = (value: number | null) => (value === null ? "none to rank" : value.toFixed(3));
  const attacks = adaptive.attacks.map(({ name, attempted, succeeded, how }) => [
    `    ${name}`,
    `${succeeded} of ${attempted}`,
    how,
  ]);
  return `${[
    `${detector.describes} under ${threat.id}, against an attacker who knows it`,
    ...(result.overlap > 0
      ? [`OVERLAP: the detector has seen ${result.overlap} of these inputs: the figures flatter`]
      : []),
    "",
    `  accuracy with rejection  ${counted(accuracyWithRejection)}`,
    `  bypassed                 ${counted(bypass)} that the model gets right: misclassified and accepted`,
    "",
    `  clean accuracy           ${counted(clean.accuracy)}`,
    `  correct and accepted     ${counted(clean.correctAndAccepted)}`,
    `  clean inputs rejected    ${counted(clean.falsePositives)} (budget ${percent(detector.falsePositiveBudget)})`,
    "",
    "  attacks that know the detector, each on what still stood",
    ...table(attacks, ["left", "right", "left"]),
    ...adaptive.notRun.map((line) => `    not run: ${line}`),
    "",
    `  beside it, an attacker who does not know it (${result.static.attack})`,
    `    AUROC ${area(auroc.clean)} against clean inputs, ${area(auroc.noise)} against noise of the same norm`,
    `    fools the model on ${fooled.count} of ${fooled.of}, passes the detector with ${bypassed.count}; ${noiseRejected.count} of ${noiseRejected.of} noisy inputs rejected`,
    "",
    `${duration(result.seconds)}${out === null ? "" : `; ${out}`}`,
  ].join("\n")}\n`;
}
