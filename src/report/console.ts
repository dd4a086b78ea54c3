import type { Check, Result, ThreatResult, ThreatRisk } from "../assess/schema.ts";
import { nextSteps, verdict } from "./advice.ts";
import { duration, epsilonText, grouped, interval, percent, table } from "./format.ts";
import { visible } from "./visible.ts";
import { withdrawn } from "./withdrawn.ts";
import { askedText, surrogateText, threatName } from "./words.ts";

export interface ConsoleOptions {
  /** ANSI colors (default false). */
  readonly color?: boolean;
  /** Folder of the run, to name its files. */
  readonly directory?: string | null;
  /** The report that was written beside them. */
  readonly report?: string | null;
}

interface Style {
  strong(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
  struck(text: string): string;
}

const ansi = (open: number, close: number) => (text: string) => `\u001b[${open}m${text}\u001b[${close}m`;
const same = (text: string) => text;
const COLOR: Style = {
  strong: ansi(1, 22),
  dim: ansi(2, 22),
  good: ansi(32, 39),
  warn: ansi(33, 39),
  bad: ansi(31, 39),
  struck: ansi(9, 29),
};
/** Next steps on the console; the reports have room for all. */
const NEXT_SHOWN = 2;
const PLAIN: Style = { strong: same, dim: same, good: same, warn: same, bad: same, struck: (text) => `~~${text}~~` };

/** The result as a page of text for a terminal: a pure function of the result. */
export function consoleReport(result: Result, options: ConsoleOptions = {}): string {
  const style = options.color ? COLOR : PLAIN;
  const lines = [
    ...heading(result, style),
    ...result.threats.flatMap((threat) => threatLines(result, threat, style)),
    ...checkLines(result, style),
    ...naturalErrors(result, style),
    ...result.notTested.map((text, i) => `${i === 0 ? "Not tested  " : "            "}${style.dim(text)}`),
    "",
    ...written(options),
    ...closing(result, options.directory ?? undefined, style),
  ];
  return `${lines.join("\n")}\n`;
}

function written({ directory, report }: ConsoleOptions): string[] {
  if (!directory) return [];
  const files = `Written to ${directory}: result.json, samples.jsonl, findings.jsonl, blobs/`;
  return report ? [files, `Report      ${report}`, ""] : [files, ""];
}

/** How far the model can be trusted, and what to type next. */
function closing(result: Result, directory: string | undefined, style: Style): string[] {
  const { short, because } = verdict(result);
  const steps = nextSteps(result, directory).slice(0, NEXT_SHOWN);
  return [style.strong(`${short}. ${visible(because)}`), ...steps.map(({ why, command }) => `${why}:\n  ${command}`)];
}

function heading(result: Result, style: Style): string[] {
  const { asked, clean, data, model } = result;
  const partial = result.status === "partial" ? style.warn(`  partial: ${clean.of} of ${data.samples} samples`) : "";
  return [
    `${style.strong(model.name)} on ${data.spec} (${data.draw}; seed ${result.seed})${partial}`,
    ...model.notes.map((note) => style.dim(`  ${note}`)),
    ...(model.surrogate === undefined ? [] : [style.dim(`  surrogate: ${surrogateText(model.surrogate)}`)]),
    ...(asked === undefined ? [] : [style.dim(`  asked: ${askedText(asked)}`)]),
    "",
    `Without attack      ${percent(clean.accuracy).padStart(7)}  ${interval(clean.sampling95)}  ${clean.correct} of ${clean.of} right`,
    "",
  ];
}

function threatLines(result: Result, threat: ThreatResult, style: Style): string[] {
  const { robustAccuracy: robust } = threat;
  const reasons = withdrawn(result, threat);
  const risk = result.risk?.threats.find((one) => one.threat === threat.id);
  if (robust.of === 0) return [style.strong(`Under ${threat.id}`), "  not evaluated: the run was cut short", ""];
  const figure = `${percent(robust.value)}  ${interval(robust.sampling95)}`;
  const shown = reasons.length > 0 ? style.struck(figure) : style.strong(figure);
  // Padded outside the style, so that only the figure is struck through.
  const headline = " ".repeat(Math.max(0, 7 - percent(robust.value).length)) + shown;
  return [
    style.strong(`Under ${threat.id}`),
    `  robust accuracy   ${headline}  ${robust.unbroken} of ${robust.of} stand under every profile`,
    ...provedLine(robust),
    ...reasons.map((check) => style.bad(`  withdrawn: ${check.id}: ${check.detail}`)),
    ...(risk === undefined ? [] : riskLines(risk, style)),
    "",
    ...attackTable(threat).map((line) => `  ${line}`),
    "",
    ...curveLine(threat),
  ];
}

/** What an exact search proved of those that stand. */
function provedLine({ bracket, of }: ThreatResult["robustAccuracy"]): string[] {
  if (bracket === undefined) return [];
  const proved = Math.round(bracket.certified * of);
  return [
    `  proved            ${percent(bracket.certified).padStart(7)}  ${proved} of ${of}: every input that the threat allows was tried`,
  ];
}

function riskLines({ severity, likelihood, impact, arithmetic }: ThreatRisk, style: Style): string[] {
  const { value, source, pair } = impact;
  const pairText = pair === null ? "" : ` (${pair.true} taken for ${pair.wrong})`;
  const impactText = `impact ${value} of 5${pairText}${source === "default" ? ", impact not assessed" : ""}`;
  return [
    `  severity            ${style.strong(severity.shown)}  likelihood: ${likelihood.band}; ${impactText}`,
    style.dim(`    ${visible(arithmetic)}`),
  ];
}

/** One row for each profile and each of its attacks; medians of queries come from the audit subset, where every attack ran from scratch. */
function attackTable(threat: ThreatResult): string[] {
  const rows = [["", "stand", "95 %", "broke", "of", "median queries", "model time"]];
  for (const { knowledge, robustAccuracy, attacks } of threat.profiles) {
    rows.push([knowledge, percent(robustAccuracy.value), interval(robustAccuracy.sampling95)]);
    for (const attack of attacks) {
      const audit = threat.audit.attacks.find((other) => other.name === attack.name && other.knowledge === knowledge);
      const median = audit === undefined || audit.attempted === 0 ? "" : audit.queries.median;
      rows.push([
        `  ${attack.name}`,
        percent(attack.robustAccuracyAfter),
        "",
        grouped(attack.succeeded),
        grouped(attack.attempted),
        median === null ? "over budget" : median === "" ? "-" : grouped(median),
        duration(attack.seconds),
      ]);
    }
  }
  return table(rows, ["left", "right", "right", "right", "right", "right", "right"]);
}

function curveLine({ curve, curveAttack, norm }: ThreatResult): string[] {
  if (curve.length === 0) return [];
  const points = curve.map(({ epsilon, accuracy }) => `${epsilonText(epsilon)}: ${percent(accuracy)}`).join("   ");
  return [
    `  ${norm === "text" ? "edits" : `${norm} size`}: accuracy (${curveAttack}, ${curve[0]!.of} samples)   ${points}`,
    "",
  ];
}

const MARKS = { pass: "pass", warn: "WARN", fail: "FAIL", skipped: "  - " } as const;

/** What failed and warned in full, with what to try; what passed and what did not run by name: result.json has their details. */
function checkLines(result: Result, style: Style): string[] {
  const many = result.threats.length > 1;
  const of = (status: Check["status"]) => result.checks.filter((check) => check.status === status);
  const name = ({ id, threat }: Check) => (many && threat !== undefined ? `${id} (${threatName(threat)})` : id);
  const inFull = (check: Check, mark: string) => [
    `  ${mark}  ${name(check)}: ${check.detail}`,
    ...(check.try === undefined ? [] : [`        ${style.dim(`try: ${check.try}`)}`]),
  ];
  const skipped = of("skipped");
  const unrun = [...new Set(skipped.map(({ detail }) => detail))].map((reason) => {
    const alike = skipped.filter(({ detail }) => detail === reason);
    return style.dim(`${names(alike, result).join(", ")} (${reason})`);
  });
  const lines = [
    ...of("fail").flatMap((check) => inFull(check, style.bad(MARKS.fail))),
    ...of("warn").flatMap((check) => inFull(check, style.warn(MARKS.warn))),
    ...byName(style.good(MARKS.pass), names(of("pass"), result)),
    ...unrun.map((text) => `  ${style.dim(MARKS.skipped)}  ${text}`),
  ];
  return lines.length === 0 ? [] : [`Checks (badge ${result.badge})`, ...lines, ""];
}

/** Each check once; those that say this of some threats only name them. */
function names(checks: readonly Check[], { threats }: Result): string[] {
  return [...new Set(checks.map(({ id }) => id))].map((id) => {
    const of = checks.flatMap((check) => (check.id === id && check.threat !== undefined ? [check.threat] : []));
    return of.length === 0 || of.length === threats.length ? id : `${id} (${of.map(threatName).join(", ")})`;
  });
}

/** Names joined by commas, in lines that fit a terminal, under one mark. */
function byName(mark: string, names: readonly string[]): string[] {
  const lines: string[] = [];
  for (const name of names) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + name.length < 90) lines[lines.length - 1] = `${last}, ${name}`;
    else lines.push(name);
  }
  return lines.map((line, i) => `${i === 0 ? `  ${mark}  ` : "        "}${line}${i < lines.length - 1 ? "," : ""}`);
}

function naturalErrors(result: Result, style: Style): string[] {
  const { clean, naturalErrors: errors, model } = result;
  const wrong = clean.of - clean.correct;
  if (wrong === 0) return [];
  const name = (label: number) => model.classes[label] ?? String(label);
  const shown = errors
    .slice(0, 5)
    .map(({ sample, label, predicted }) => `${sample} (${name(label)} taken for ${name(predicted)})`);
  const rest = wrong > shown.length ? `, and ${wrong - shown.length} more` : "";
  return [`Wrong without any attack (${wrong})`, style.dim(`  ${shown.join(", ")}${rest}`), ""];
}
