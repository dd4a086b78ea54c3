import type { Finding, Result } from "../assess/schema.ts";
import { reproducingCommand } from "./command-line.ts";
import { editText } from "./edits.ts";
import type { Reporter } from "./reporters.ts";

type Cell = string | number | boolean | null | undefined;

/**
 * One cell by RFC 4180. Text that a spreadsheet would run as a formula (it begins with = + - @, tab or carriage return, also
 * behind blanks) gets an apostrophe in front, as OWASP advises; figures are ours and stay figures.
 */
export function csvCell(value: Cell): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const text = /^\s*[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

type Column = readonly [name: string, value: (finding: Finding, result: Result) => Cell];

const className = (label: number, { model }: Result) => model.classes[label] ?? String(label);

const COLUMNS: readonly Column[] = [
  ["id", ({ id }) => id],
  ["threat", ({ constraints }) => constraints.threat],
  ["index", ({ subject }) => subject.index],
  ["sample", ({ subject }) => subject.sampleId],
  ["group", ({ subject }) => subject.group],
  ["true_class", ({ outputChange }, result) => className(outputChange.trueLabel, result)],
  ["before_class", ({ outputChange }, result) => className(outputChange.before.label, result)],
  ["before_confidence", ({ outputChange }) => outputChange.before.confidence],
  ["before_margin", ({ outputChange }) => outputChange.before.margin],
  ["after_class", ({ outputChange }, result) => className(outputChange.after.label, result)],
  ["after_confidence", ({ outputChange }) => outputChange.after.confidence],
  ["after_margin", ({ outputChange }) => outputChange.after.margin],
  ["rank_of_true_class_after", ({ outputChange }) => outputChange.rankOfTrueAfter],
  ["kl_divergence", ({ outputChange }) => outputChange.kl],
  ["knowledge", ({ threatModel }) => threatModel.knowledge],
  ["specificity", ({ threatModel }) => threatModel.specificity],
  ["attack", ({ attack }) => attack.name],
  ["settings", ({ attack }) => JSON.stringify(attack.settings)],
  ["seed", ({ seed }) => seed],
  ["queries", ({ attack }) => attack.queriesUsed],
  ["gradients", ({ attack }) => attack.gradientsUsed],
  ["seconds", ({ attack }) => attack.seconds],
  ["l0", ({ perturbation }) => perturbation.magnitude.l0],
  ["l1", ({ perturbation }) => perturbation.magnitude.l1],
  ["l2", ({ perturbation }) => perturbation.magnitude.l2],
  ["linf", ({ perturbation }) => perturbation.magnitude.linf],
  ["location", ({ perturbation }) => perturbation.location.kind],
  ["changed_share", ({ perturbation }) => perturbation.location.support],
  ["bbox_top_left_bottom_right", ({ perturbation }) => perturbation.location.bbox?.join(" ")],
  ["edits", ({ perturbation }) => perturbation.location.edits?.map(editText).join("; ")],
  [
    "stopped_by",
    ({ defenses }) =>
      defenses
        ?.filter(({ stops, cleanStands }) => stops && cleanStands)
        .map(({ name }) => name)
        .join(" "),
  ],
  ["perceptibility", ({ perturbation }) => perturbation.perceptibility.band],
  ["ssim", ({ perturbation }) => perturbation.perceptibility.ssim],
  ["psnr", ({ perturbation }) => perturbation.perceptibility.psnr],
  ["ciede2000_mean", ({ perturbation }) => perturbation.perceptibility.ciede2000?.mean],
  ["verified", ({ verification }) => verification.agrees && verification.inBox && verification.inNorm],
  ["original", ({ perturbation }) => perturbation.blob?.original],
  ["adversarial", ({ perturbation }) => perturbation.blob?.adversarial],
  ["command", (finding, result) => reproducingCommand(finding, result)],
];

/** All findings, one a row, in the order of the run. */
export const csvReporter: Reporter = {
  extension: "csv",
  summary: "all findings as a table, for a spreadsheet",
  async render({ result, findings }) {
    const rows = [
      COLUMNS.map(([name]) => name),
      ...findings.map((finding) => COLUMNS.map(([, value]) => value(finding, result))),
    ];
    return rows.map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
  },
};
