import { BlindspotError, type Problem } from "../base/errors.ts";

const SHOWN = 10;

/** Collects problems of records, of which there may be thousands: the first ten are shown, the others counted. */
export class RecordProblems {
  private readonly shown: Problem[] = [];
  private count = 0;
  private readonly subject: string;

  constructor(subject: string) {
    this.subject = subject;
  }

  add(problem: Omit<Problem, "subject">): void {
    if (this.shown.length < SHOWN) this.shown.push({ ...problem, subject: this.subject });
    this.count++;
  }

  /** `hint` is said once, with the last problem. */
  throwIfAny(hint?: string): void {
    if (this.count === 0) return;
    const problems = [...this.shown];
    const rest = this.count - problems.length;
    const last = problems.pop()!;
    problems.push(hint === undefined || rest > 0 ? last : { ...last, hint });
    if (rest > 0)
      problems.push({
        code: last.code,
        subject: this.subject,
        got: `${rest} more like these`,
        ...(hint === undefined ? {} : { hint }),
      });
    throw new BlindspotError(problems);
  }
}

export function dataError(subject: string, problem: Omit<Problem, "subject">, cause?: unknown): BlindspotError {
  return new BlindspotError({ subject, ...problem }, cause === undefined ? {} : { cause });
}
