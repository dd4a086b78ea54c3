import type { AttackDefinition, Knowledge, Settings } from "./attack.ts";

/** An adversarial input that the original model got wrong, alone, in the form in which it would really receive it. */
export interface VerifiedCandidate {
  /** As deployed: 8-bit values or float32, inside every constraint. */
  readonly point: Float32Array;
  /** Logits of the original model for it. */
  readonly scores: Float32Array;
  readonly predicted: number;
  /** In the threat's norm, 0..1 units. */
  readonly distance: number;
  /** Of rows: what the change costs, by the schema. Among findings at the same distance the cheapest is kept. */
  readonly cost?: number;
}

/** `skipped`: the budget or the time ran out before the attack had tried all it would. */
export type AttemptOutcome = "fooled" | "resisted" | "skipped" | "error";

/** One attack on one sample. */
export interface AttemptRecord {
  readonly attack: string;
  readonly knowledge: Knowledge;
  readonly outcome: AttemptOutcome;
  readonly queries: number;
  readonly gradients: number;
  /** Passes that verified candidates; not part of the queries. */
  readonly verifications: number;
  /** Candidates that looked adversarial but did not survive rounding, constraints or the original model. */
  readonly rejected: number;
  /** This attempt's share of model time. */
  readonly seconds: number;
  readonly found: VerifiedCandidate | null;
  /**
   * Without a finding: the nearest point outside the ball that reached the goal, as the attack's own pass saw it (not verified). What a
   * minimum-norm attack still tells of a sample that resists.
   */
  readonly nearest: { readonly point: Float32Array; readonly distance: number } | null;
  /** Why it could not run, for `error`. */
  readonly detail?: string;
  /** It tried everything that the threat allows and found nothing: that it resists is proved. */
  readonly exhausted?: true;
}

export interface PlannedAttack {
  readonly definition: AttackDefinition;
  readonly settings: Settings;
}

/** Attacks of one knowledge, from cheap to strong; each runs on what still stands. */
export interface ProfilePlan {
  readonly knowledge: Knowledge;
  readonly attacks: readonly PlannedAttack[];
}

export type SampleStatus = "misclassified" | "fooled" | "resisted" | "skipped" | "error";

export interface ProfileOutcome {
  readonly knowledge: Knowledge;
  readonly status: Exclude<SampleStatus, "misclassified">;
  /** The attempts that the cascade made, in order: it ends with the first success. */
  readonly attempts: readonly AttemptRecord[];
}

/** All that happened to one sample under one threat. */
export interface SampleRecord {
  readonly id: string;
  readonly index: number;
  readonly label: number;
  readonly group?: string;
  readonly clean: { readonly scores: Float32Array; readonly predicted: number };
  readonly status: SampleStatus;
  readonly profiles: readonly ProfileOutcome[];
  /** For a sample of the audit subset: every attack of the plan, from scratch. Null for the others. */
  readonly audit: readonly AttemptRecord[] | null;
}
