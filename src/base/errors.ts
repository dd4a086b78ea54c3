/** One thing that is wrong with what we were given. Every field but `code` and `subject` is optional; the more, the better the message. */
export interface Problem {
  /** Stable, greppable: `E_OP_NO_GRADIENT`. */
  readonly code: string;
  /** What: `Conv 'layer1.0.conv1'`, `model.onnx`, `--threat`. */
  readonly subject: string;
  /** Where in it: `input 0`, `line 14`, `record 7`. */
  readonly where?: string;
  readonly expected?: string;
  readonly got?: string;
  /** What to do about it, as an instruction. */
  readonly hint?: string;
}

/** `2`: usage, or input that can't be read. `3`: not evaluated. See the exit codes of the command line. */
export type ExitCode = 1 | 2 | 3 | 130;

/** The one error class that users meet. It carries every problem of an input, not only the first. */
export class BlindspotError extends Error {
  readonly problems: readonly Problem[];
  readonly exitCode: ExitCode;

  constructor(problems: Problem | readonly Problem[], options: { exitCode?: ExitCode; cause?: unknown } = {}) {
    const list = Array.isArray(problems) ? (problems as readonly Problem[]) : [problems as Problem];
    super(list.map(describeProblem).join("\n"), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "BlindspotError";
    this.problems = list;
    this.exitCode = options.exitCode ?? 2;
  }

  get code(): string {
    return this.problems[0]?.code ?? "E_UNKNOWN";
  }
}

export function describeProblem(problem: Problem): string {
  const where = problem.where === undefined ? "" : `, ${problem.where}`;
  const parts = [
    problem.expected === undefined ? undefined : `expected ${problem.expected}`,
    problem.got === undefined ? undefined : `got ${problem.got}`,
  ].filter((part) => part !== undefined);
  const facts = parts.length === 0 ? "" : `: ${parts.join(", ")}`;
  const hint = problem.hint === undefined ? "" : `. ${problem.hint}`;
  return `${problem.code} ${problem.subject}${where}${facts}${hint}`;
}

/** Collects problems so that all of one input are reported at once. */
export class ProblemList {
  readonly problems: Problem[] = [];

  add(problem: Problem): void {
    this.problems.push(problem);
  }

  throwIfAny(exitCode: ExitCode = 2): void {
    if (this.problems.length > 0) throw new BlindspotError(this.problems, { exitCode });
  }
}

/** A mistake of ours, not of the user's. */
export function internalError(message: string): Error {
  return new Error(`internal: ${message}`);
}
