import { makeFinding } from "../assess/finding.ts";
import type { ThreatPlan } from "../assess/plan.ts";
import { bestAttempt } from "../assess/sample-line.ts";
import type { Finding } from "../assess/schema.ts";
import type { AttemptRecord, SampleRecord, VerifiedCandidate } from "../attacks/record.ts";
import { tellFinding } from "../report/story.ts";
import { visible } from "../report/visible.ts";
import { codecFor, type Target } from "./open.ts";
import type { Given } from "./options.ts";
import { version } from "./version.ts";

/** Whether the samples were picked one by one: then what happened to each is told. */
export function pickedSamples({ samples }: Given): boolean {
  return typeof samples === "string" && samples.startsWith("index:");
}

/** The findings of these records, as `assess` keeps them, with the same ids. */
export async function findingsOf(
  target: Target,
  { threat, profiles }: ThreatPlan,
  records: readonly SampleRecord[],
  seed: number,
): Promise<Finding[]> {
  const { classifier, data, facts } = target;
  const codec = codecFor(data)(threat.quantize);
  const context = {
    modelSha256: (facts.sha256 ?? facts.fingerprint)!,
    classes: classifier.classes,
    dataset: data.spec,
    seed,
    toolVersion: version(),
    runtime: facts.runtime === null ? "classifier" : `${facts.runtime.name} ${facts.runtime.version}`,
    meaning: classifier.meaning ?? "logits",
    now: () => new Date(),
  } as const;
  const findings: Finding[] = [];
  for (const record of records) {
    const attempt = bestAttempt(record);
    if (attempt?.found == null) continue;
    const { point } = await data.sample(record.index);
    const found = attempt as AttemptRecord & { readonly found: VerifiedCandidate };
    findings.push(
      makeFinding(
        context,
        threat,
        codec,
        profiles[0]!.attacks[0]!,
        record,
        found,
        threat.deployable(point, point),
        null,
      ),
    );
  }
  return findings;
}

/** A finding as the console tells it: id, input, action, outcome. */
export function printedFinding(finding: Finding, target: Target, given: Given): string {
  const { classifier, data, facts } = target;
  const context = {
    model: { name: facts.name, classes: [...classifier.classes] },
    data: { spec: data.spec },
    options: { ...given },
  };
  const { input, action, outcome } = tellFinding(finding, context);
  const part = (name: string, lines: readonly string[]) =>
    lines.map((line, i) => `  ${(i === 0 ? name : "").padEnd(8)} ${visible(line)}`);
  const lines = [
    `Finding ${finding.id}`,
    ...part("INPUT", input),
    ...part("ACTION", action),
    ...part("OUTCOME", outcome),
  ];
  return `${lines.join("\n")}\n`;
}
