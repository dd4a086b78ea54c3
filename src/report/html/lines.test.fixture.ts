import type { Finding, SampleLine } from "../../assess/schema.ts";
import type { StoredRun } from "../../assess/store.ts";

/** The lines of samples that these findings were made from. */
function linesOf(findings: readonly Finding[]): SampleLine[] {
  return findings.map(({ constraints, subject, outputChange, attack, threatModel }) => ({
    threat: constraints.threat,
    sample: subject.sampleId,
    index: subject.index,
    label: outputChange.trueLabel,
    status: "fooled",
    predicted: { before: outputChange.before.label, after: outputChange.after.label },
    profiles: {
      [threatModel.knowledge]: {
        status: "fooled",
        attack: attack.name,
        distance: 8 / 255,
        predicted: outputChange.after.label,
        queries: attack.queriesUsed,
        gradients: attack.gradientsUsed,
        attempts: [],
      },
    },
    audit: null,
  }));
}

/** The run with the lines of its fooled samples. */
export function withLines(run: StoredRun): StoredRun {
  return { ...run, samples: linesOf(run.findings) };
}
