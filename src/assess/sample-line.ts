import type { AttemptRecord, ProfileOutcome, SampleRecord, VerifiedCandidate } from "../attacks/record.ts";
import type { AttemptLine, ProfileLine, SampleLine } from "./schema.ts";

function attemptLine(record: AttemptRecord): Omit<AttemptLine, "knowledge"> {
  return {
    attack: record.attack,
    outcome: record.outcome,
    queries: record.queries,
    gradients: record.gradients,
    verifications: record.verifications,
    rejected: record.rejected,
    seconds: round(record.seconds),
    ...(record.detail === undefined ? {} : { detail: record.detail }),
    ...(record.exhausted ? { exhausted: true as const } : {}),
  };
}

/** Microseconds are as fine as a share of a batch's time means anything. */
function round(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}

function profileLine(profile: ProfileOutcome): ProfileLine {
  const winner = profile.attempts.find((attempt) => attempt.found !== null);
  return {
    status: profile.status,
    attack: winner?.attack ?? null,
    distance: winner?.found?.distance ?? null,
    predicted: winner?.found?.predicted ?? null,
    queries: profile.attempts.reduce((sum, attempt) => sum + attempt.queries, 0),
    gradients: profile.attempts.reduce((sum, attempt) => sum + attempt.gradients, 0),
    attempts: profile.attempts.map(attemptLine),
  };
}

/**
 * The successful attempt that stands for a sample: the nearest adversarial input, whatever profile found it (at equal distance the cheaper
 * row, then the earlier profile). Null if nothing fooled the model.
 */
export function bestAttempt(record: SampleRecord): AttemptRecord | null {
  let best: AttemptRecord | null = null;
  for (const profile of record.profiles)
    for (const attempt of profile.attempts)
      if (attempt.found !== null && (best?.found == null || isNearer(attempt.found, best.found))) best = attempt;
  return best;
}

function isNearer(a: VerifiedCandidate, b: VerifiedCandidate): boolean {
  return a.distance < b.distance || (a.distance === b.distance && (a.cost ?? 0) < (b.cost ?? 0));
}

/**
 * What `samples.jsonl` keeps of a record: everything but the inputs and logits. All figures of a result are computed from these lines.
 * `input` identifies the clean input, where a codec knows how.
 */
export function sampleLine(threat: string, record: SampleRecord, input?: string): SampleLine {
  return {
    threat,
    sample: record.id,
    index: record.index,
    label: record.label,
    ...(record.group === undefined ? {} : { group: record.group }),
    ...(input === undefined ? {} : { input }),
    status: record.status,
    predicted: { before: record.clean.predicted, after: bestAttempt(record)?.found?.predicted ?? null },
    profiles: Object.fromEntries(record.profiles.map((profile) => [profile.knowledge, profileLine(profile)])),
    audit: record.audit?.map((attempt) => ({ ...attemptLine(attempt), knowledge: attempt.knowledge })) ?? null,
  };
}
