import type { Check, Finding, Result, ThreatResult } from "../assess/schema.ts";
import type { StoredRun } from "../assess/store.ts";
import { type NextStep, nextSteps, verdict } from "./advice.ts";
import { runCommand } from "./command-line.ts";
import { epsilonText, grouped, interval, percent, plural, sure } from "./format.ts";
import { mostTelling } from "./most-telling.ts";
import type { Reporter } from "./reporters.ts";
import { shortened, visible } from "./visible.ts";
import { withdrawn } from "./withdrawn.ts";
import { changeIn, threatName } from "./words.ts";

/** A comment may hold 65,536 characters where people review code. */
const LIMIT = 64_000;
/** These keep an ordinary comment far below it, and readable. */
const SHOWN = { threats: 8, findings: 10, reasons: 2, checks: 20, points: 15, steps: 3 } as const;
const LENGTH = { name: 48, sentence: 300, spec: 200, command: 1000 } as const;

/**
 * Text of somebody else's choosing as a code span: no markup, links, mentions or references in it. A pipe would end a cell of a
 * table even there, so it is shown as a broken bar.
 */
export function code(text: string, length: number = LENGTH.name): string {
  const shown = shortened(visible(text), length).replaceAll("|", "¦");
  const longest = Math.max(0, ...Array.from(shown.matchAll(/`+/g), ([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  // A span may not begin or end with its own fence; one blank at either side is dropped when it is read.
  const padding = /^[`\s]|[`\s]$/.test(shown) || shown === "" ? " " : "";
  return `${fence}${padding}${shown}${padding}${fence}`;
}

/** A sentence that may hold somebody else's words: no markup, no mention, no reference, no address becomes active. */
export function sentence(text: string): string {
  return shortened(visible(text), LENGTH.sentence)
    .replaceAll(/[\\`*_[\]<>|~&$]/g, "\\$&")
    .replaceAll(/[@#]|:(?=\/\/)|www(?=\.)/gi, "$&<!-- -->");
}

/** A command to copy; one that is cut short would help nobody. */
function commandText(command: string): string {
  return command.length > LENGTH.command
    ? "(too long for this page: see the full report)"
    : code(command, LENGTH.command);
}

/** The first of a list, and how many more there are. */
function some<T>(items: readonly T[], count: number, written: (item: T) => string, what: string): string[] {
  const more = items.length - count;
  return [
    ...items.slice(0, count).map(written),
    ...(more > 0 ? [`- and ${plural(more, `more ${what}`, `more ${what}s`)}`] : []),
  ];
}

function tableOf(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(header), line(header.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line), ""];
}

/** A comment for a pull request: what a reviewer must know, under the size that hosts accept. */
export const markdownReporter: Reporter = {
  extension: "md",
  summary: "a comment for a pull request",
  async render(run) {
    const { result } = run;
    const threats = result.threats.slice(0, SHOWN.threats);
    const left = result.threats.length - threats.length;
    return fitted([
      ...heading(result),
      ...threats.flatMap((threat) => threatSection(result, threat)),
      ...(left > 0 ? [`And ${plural(left, "more threat")}: see the report.`, ""] : []),
      ...findingSection(run),
      ...checkSection(result),
      ...listSection("Not tested", result.notTested),
      ...listSection("Incomplete", run.problems),
      ...footer(result),
    ]);
  },
};

/** As many lines as a comment may hold. */
function fitted(lines: readonly string[]): string {
  const kept: string[] = [];
  let length = 0;
  for (const line of lines) {
    length += line.length + 1;
    if (length > LIMIT) return [...kept, "", "The rest is left out: see the full report.", ""].join("\n");
    kept.push(line);
  }
  return kept.join("\n");
}

function heading(result: Result): string[] {
  const { clean, data, model, status } = result;
  const { short, because } = verdict(result);
  const partial = status === "partial" ? `, **partial: ${clean.of} of ${data.samples} samples**` : "";
  return [
    `## Blindspot: ${code(model.name)}`,
    "",
    `**${sentence(short)}.** ${sentence(because)}`,
    "",
    `On ${code(data.spec, LENGTH.spec)} (${sentence(data.draw)}; seed ${result.seed}${partial}). Without any attack ${percent(clean.accuracy)} are right, 95 % interval ${interval(clean.sampling95)}, ${clean.correct} of ${clean.of}.`,
    "",
  ];
}

function threatSection(result: Result, threat: ThreatResult): string[] {
  const { robustAccuracy: robust } = threat;
  const title = `### Under ${code(threat.id)}`;
  if (robust.of === 0) return [title, "", "Not evaluated: the run was cut short.", ""];
  const reasons = withdrawn(result, threat);
  const figure = percent(robust.value);
  const all = reasons.length > 0 ? `~~${figure}~~ withdrawn` : `**${figure}**`;
  return [
    title,
    "",
    ...severityLines(result, threat),
    ...tableOf(
      ["attacker", "robust accuracy", "95 %", "stand", "broken by"],
      [
        ["**all together**", all, interval(robust.sampling95), `${robust.unbroken} of ${robust.of}`, ""],
        ...threat.profiles.map(({ knowledge, robustAccuracy, attacks }) => [
          knowledge,
          percent(robustAccuracy.value),
          interval(robustAccuracy.sampling95),
          `${robustAccuracy.unbroken} of ${robustAccuracy.of}`,
          attacks
            .filter(({ succeeded }) => succeeded > 0)
            .map(({ name, succeeded }) => `${name} ${grouped(succeeded)}`)
            .join(", "),
        ]),
      ],
    ),
    ...some(reasons, SHOWN.reasons, (check) => `- withdrawn: ${checkText(check)}`, "failed check"),
    ...(reasons.length > 0 ? [""] : []),
  ];
}

function severityLines({ risk }: Result, { id }: ThreatResult): string[] {
  const found = risk?.threats.find(({ threat }) => threat === id);
  if (found === undefined) return [];
  const { severity, likelihood, impact, arithmetic } = found;
  const stamp = impact.source === "default" ? "; **impact not assessed**" : "";
  return [
    `Severity **${sentence(severity.shown)}**: likelihood ${likelihood.band}, impact ${impact.value} of 5${stamp}. ${sentence(arithmetic)}`,
    "",
  ];
}

function findingSection({ result, findings }: StoredRun): string[] {
  if (findings.length === 0) return ["### Findings", "", "No verified misclassification.", ""];
  const shown = mostTelling(result, findings, SHOWN.findings);
  const name = (label: number) => code(result.model.classes[label] ?? String(label));
  const row = ({ attack, constraints, outputChange, perturbation, subject, threatModel }: Finding) => [
    String(subject.index),
    name(outputChange.trueLabel),
    name(outputChange.after.label),
    sure(outputChange.after.confidence),
    code(threatName(constraints.threat)),
    `${attack.name} (${threatModel.knowledge})`,
    grouped(attack.queriesUsed),
    epsilonText(changeIn(constraints.norm, perturbation)),
    perturbation.perceptibility.band,
  ];
  return [
    `### Findings (${shown.length < findings.length ? `${shown.length} most telling of ${grouped(findings.length)}` : grouped(findings.length)})`,
    "",
    ...tableOf(
      ["sample", "is a", "taken for", "sure", "threat", "attack", "queries", "distance", "to the eye"],
      shown.map(row),
    ),
  ];
}

function checkText({ id, status, detail, threat, try: remedy }: Check): string {
  const of = threat === undefined ? "" : ` (${code(threatName(threat))})`;
  const hint = remedy === undefined ? "" : ` Try: ${sentence(remedy)}`;
  return `**${status}** ${code(id)}${of}: ${sentence(detail)}${hint}`;
}

function checkSection({ badge, checks }: Result): string[] {
  const rank = { fail: 0, warn: 1, skipped: 2, pass: 3 } as const;
  const sorted = [...checks].sort((a, b) => rank[a.status] - rank[b.status]);
  const loud = sorted.filter(({ status }) => status === "fail" || status === "warn");
  const quiet = sorted.slice(loud.length);
  const line = (check: Check) => `- ${checkText(check)}`;
  const passed = checks.filter(({ status }) => status === "pass").length;
  return [
    `### Checks (badge ${badge}): ${passed} of ${checks.length} passed`,
    "",
    ...some(loud, SHOWN.checks, line, "check"),
    ...(quiet.length === 0
      ? []
      : [
          "",
          "<details><summary>Passed and skipped</summary>",
          "",
          ...some(quiet, SHOWN.checks, line, "check"),
          "",
          "</details>",
        ]),
    "",
  ];
}

function listSection(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return [`### ${title}`, "", ...some(lines, SHOWN.points, (text) => `- ${sentence(text)}`, "point"), ""];
}

function footer(result: Result): string[] {
  const step = ({ why, command }: NextStep) => `- ${sentence(why)}: ${commandText(command)}`;
  return [
    "### Next",
    "",
    ...nextSteps(result).slice(0, SHOWN.steps).map(step),
    `- Make this run again: ${commandText(runCommand(result))}`,
    "",
    `Blindspot ${code(result.tool.version)}. An attack that fails proves nothing, so every robust accuracy is an upper bound.`,
    "",
  ];
}
