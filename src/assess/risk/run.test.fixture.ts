import type { Knowledge } from "../../attacks/attack.ts";
import { RESULT, storedRun, THREAT } from "../../report/stored-run.test.fixture.ts";
import type { Declared, Finding, Result, SampleLine } from "../schema.ts";
import type { RiskBasis } from "./assess-risk.ts";

export const CLASSES = ["stop", "yield", "limit 50"];

export const DECLARED: Declared = {
  exposure: "public",
  viewer: "none",
  impact: { default: 3, defaultDeclared: false, pairs: [] },
  assessed: false,
};

type Band = Finding["perturbation"]["perceptibility"]["band"];

/** What one kind of attacker reached on one sample. */
export interface Reached {
  readonly outcome: "fooled" | "resisted" | "skipped" | "error";
  readonly queries?: number;
  /** Queries of an attempt of the same profile that failed before. */
  readonly before?: number;
  readonly wrong?: number;
}

/** One correctly classified sample, or null for one that was wrong before any attack. */
export type Sample = {
  readonly label?: number;
  readonly profiles: Partial<Record<Knowledge, Reached>>;
  /** Band of the stored finding; null: none is stored. */
  readonly band?: Band | null;
} | null;

export const fooled = (queries = 10, wrong = 1): Reached => ({ outcome: "fooled", queries, wrong });
export const RESISTED: Reached = { outcome: "resisted", queries: 2000 };

/** `count` copies of a sample. */
export function times(count: number, sample: Sample): Sample[] {
  return Array.from({ length: count }, () => sample);
}

function lineOf(sample: Sample, index: number): SampleLine {
  const label = sample?.label ?? 0;
  const made = Object.entries(sample?.profiles ?? {}).map(
    ([knowledge, { outcome, queries = 10, before, wrong = 1 }]) => {
      const attempt = { attack: "b", outcome, queries, gradients: 0, verifications: 0, rejected: 0, seconds: 0 };
      const failed = { ...attempt, attack: "a", outcome: "resisted" as const, queries: before ?? 0 };
      const profile = {
        status: outcome,
        attack: outcome === "fooled" ? "b" : null,
        distance: outcome === "fooled" ? 0.1 : null,
        predicted: outcome === "fooled" ? wrong : null,
        queries: queries + (before ?? 0),
        gradients: 0,
        attempts: before === undefined ? [attempt] : [failed, attempt],
      };
      return [knowledge, profile] as const;
    },
  );
  const statuses = made.map(([, { status }]) => status);
  const worst = (["fooled", "error", "skipped"] as const).find((status) => statuses.includes(status));
  return {
    threat: THREAT.id,
    sample: `s${index}`,
    index,
    label,
    status: sample === null ? "misclassified" : (worst ?? "resisted"),
    predicted: { before: sample === null ? 1 - label : label, after: null },
    profiles: Object.fromEntries(made),
    audit: null,
  };
}

const [TEMPLATE] = storedRun({ findings: 1 }).findings;

function findingOf(line: SampleLine, band: Band): Finding {
  const winner = Object.values(line.profiles).find(({ status }) => status === "fooled")!;
  const { outputChange, perturbation, subject } = TEMPLATE!;
  return {
    ...TEMPLATE!,
    subject: { ...subject, index: line.index },
    perturbation: { ...perturbation, perceptibility: { ...perturbation.perceptibility, band } },
    outputChange: {
      ...outputChange,
      trueLabel: line.label,
      after: { ...outputChange.after, label: winner.predicted! },
    },
  };
}

/** A run of one threat as far as risk looks at it. Every fooled sample has a finding, visible unless said otherwise. */
export function basisOf(
  samples: readonly Sample[],
  badge: Result["badge"] = "E2",
  knowledges: readonly Knowledge[] = ["white-box", "score", "label", "transfer"],
): RiskBasis {
  const lines = samples.map(lineOf);
  const correct = lines.filter(({ status }) => status !== "misclassified");
  const broken = lines.filter(({ status }) => status === "fooled");
  const findings = broken.flatMap((line) => {
    const band = samples[line.index]?.band;
    return band === null ? [] : [findingOf(line, band ?? "visible")];
  });
  const ran = knowledges.filter((knowledge) => lines.some(({ profiles }) => profiles[knowledge] !== undefined));
  const profiles = ran.map((knowledge) => ({ ...THREAT.profiles[0]!, knowledge }));
  const attackSuccess = { ...THREAT.attackSuccess, fooled: broken.length, of: correct.length };
  return {
    result: {
      model: { ...RESULT.model, classes: CLASSES },
      badge,
      threats: [{ ...THREAT, profiles, attackSuccess }],
    },
    samples: lines,
    findings,
  };
}
