import { join } from "node:path";
import { targetUnchanged } from "../../assess/checks/target.ts";
import { cleanMetrics, threatMetrics } from "../../assess/metrics.ts";
import { makePlan, readSamples, samplesAtOnce, type ThreatPlan } from "../../assess/plan.ts";
import { bestAttempt, sampleLine } from "../../assess/sample-line.ts";
import type { Finding, SampleLine } from "../../assess/schema.ts";
import { stopSignal } from "../../assess/stop-signal.ts";
import type { Knowledge } from "../../attacks/attack.ts";
import type { SampleRecord } from "../../attacks/record.ts";
import { findAttack } from "../../attacks/registry.ts";
import { runSamples } from "../../attacks/runner.ts";
import { BlindspotError } from "../../base/errors.ts";
import { duration, grouped, interval, percent } from "../../report/format.ts";
import { onInterrupt } from "../interrupt.ts";
import { earlyEnd, openAttacked } from "../models/open-attacked.ts";
import type { Target } from "../open.ts";
import { type Given, requireOptions } from "../options.ts";
import { planOptions } from "../plan-options.ts";
import { Progress } from "../progress.ts";
import { fileSafe, type Saved, saveAdversarial } from "../save-adversarial.ts";
import { findingsOf, pickedSamples, printedFinding } from "../told-findings.ts";

export async function run(options: Given, [name]: readonly string[]): Promise<number> {
  const given = requireOptions(options, ["model", "data", "threat"], "attack");
  const { knowledge } = findAttack(name!);
  const progress = new Progress(process.stderr, given.quiet ?? false);
  const interrupt = onInterrupt((text) => progress.line(text));
  const signal = stopSignal(given.time, interrupt.signal) ?? interrupt.signal;
  const target = await openAttacked(given, {
    journal: given.journal ?? null,
    folder: null,
    signal,
    dryRun: false,
    attacks: [name!],
    tell: (text) => progress.update(text),
  });
  try {
    const plan = makePlan({ ...planOptions(target, given), attacks: [name!] });
    const reports: AttackReport[] = [];
    for (const threatPlan of plan.threats) {
      const { threat } = threatPlan;
      const found = await attackAll(target, given, threatPlan, plan.indices, plan.seed, progress, signal);
      // Several threats must not overwrite each other's files.
      const folder = (root: string) => (plan.threats.length === 1 ? root : join(root, fileSafe(threat.id)));
      const saved =
        given.saveTo === undefined
          ? null
          : await saveAdversarial(folder(given.saveTo), target, threat, found.records, given);
      const findings = pickedSamples(given) ? await findingsOf(target, threatPlan, found.records, plan.seed) : null;
      reports.push({ ...summarize(threatPlan, knowledge, found.lines, plan.indices.length), saved, findings });
    }
    progress.clear();
    const text = reports.flatMap((report) => [
      printed(report),
      ...(report.findings ?? []).map((finding) => printedFinding(finding, target, given)),
    ]);
    process.stdout.write(given.json ? `${JSON.stringify(reports, null, 2)}\n` : text.join("\n"));
    const end = earlyEnd(target);
    if (end !== null && "line" in end) progress.line(end.line);
    if (end !== null && "error" in end) throw end.error;
    const [unchanged] = await targetUnchanged(target.classifier);
    if (unchanged?.status === "fail")
      throw new BlindspotError(
        { code: "E_TARGET_CHANGED", subject: target.facts.name, got: unchanged.detail },
        { exitCode: 3 },
      );
    if (reports.every(({ clean }) => clean.of === 0))
      throw new BlindspotError(
        { code: "E_NOT_EVALUATED", subject: given.data, got: "no sample was evaluated" },
        { exitCode: 3 },
      );
    return interrupt.signal.aborted ? 130 : 0;
  } finally {
    progress.clear();
    interrupt.dispose();
    await target.close();
  }
}

async function attackAll(
  target: Target,
  given: Given,
  { threat, profiles }: ThreatPlan,
  indices: readonly number[],
  seed: number,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ lines: SampleLine[]; records: SampleRecord[] }> {
  const lines: SampleLine[] = [];
  const records: SampleRecord[] = [];
  const inFlight = samplesAtOnce(target.classifier, profiles, given.queries);
  const run = runSamples(readSamples(target.data, indices), {
    classifier: target.classifier,
    threat,
    profiles,
    seed,
    signal,
    ...(given.queries === undefined ? {} : { budget: { queries: given.queries } }),
    ...(inFlight === undefined ? {} : { inFlight }),
    ...(target.surrogate === null ? {} : { surrogate: target.surrogate }),
  });
  for await (const record of run) {
    lines.push(sampleLine(threat.id, record));
    // Only what is written or told later needs its point.
    if ((given.saveTo !== undefined || pickedSamples(given)) && bestAttempt(record) !== null) records.push(record);
    progress.update(() => `${lines.length} of ${indices.length} samples`);
  }
  return { lines, records: records.sort((a, b) => a.index - b.index) };
}

interface AttackReport {
  readonly threat: string;
  readonly attack: ReturnType<typeof threatMetrics>["profiles"][number]["attacks"][number] & {
    readonly knowledge: Knowledge;
  };
  /** Samples of the plan; a run that was cut short finished fewer. */
  readonly planned: number;
  readonly clean: ReturnType<typeof cleanMetrics>["clean"];
  readonly robustAccuracy: ReturnType<typeof threatMetrics>["robustAccuracy"];
  readonly attackSuccess: ReturnType<typeof threatMetrics>["attackSuccess"];
  readonly saved: Saved | null;
  /** Of samples that were picked one by one (`--samples index:17`). */
  readonly findings: readonly Finding[] | null;
}

function summarize(
  { threat, profiles }: ThreatPlan,
  knowledge: Knowledge,
  lines: readonly SampleLine[],
  planned: number,
): Omit<AttackReport, "saved" | "findings"> {
  const { robustAccuracy, attackSuccess, profiles: results } = threatMetrics(profiles, lines, new Set());
  const attack = results[0]!.attacks[0]!;
  return {
    threat: threat.id,
    attack: { ...attack, knowledge },
    planned,
    clean: cleanMetrics(lines).clean,
    robustAccuracy,
    attackSuccess,
  };
}

function printed(report: AttackReport): string {
  const { threat, attack, planned, clean, robustAccuracy: robust, attackSuccess, saved } = report;
  const { queries, gradients } = attack;
  const median = queries.median === null ? "over budget" : grouped(queries.median);
  const lines = [
    `${attack.name} (${attack.knowledge}) under ${threat}`,
    `  without attack    ${percent(clean.accuracy).padStart(7)}  ${interval(clean.sampling95)}  ${clean.correct} of ${clean.of} right`,
    `  robust accuracy   ${percent(robust.value).padStart(7)}  ${interval(robust.sampling95)}  ${robust.unbroken} of ${robust.of} stand`,
    `  attack success    ${percent(attackSuccess.value).padStart(7)}  ${interval(attackSuccess.sampling95)}  ${attackSuccess.fooled} of ${attackSuccess.of} fooled`,
    `  ${grouped(queries.total)} queries (median ${median}), ${grouped(gradients.total)} gradients, ${duration(attack.seconds)} of model time`,
  ];
  if (clean.of < planned)
    lines.push(
      `  cut short: ${planned - clean.of} of ${planned} samples are not finished, and those that fall are finished first`,
    );
  if (saved !== null)
    lines.push(
      `  ${saved.files} written to ${saved.directory}; read back, ${saved.succeed} of ${saved.of} still fool the model`,
    );
  return `${lines.join("\n")}\n`;
}
