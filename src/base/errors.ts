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
    super(describeProblems(list), options.cause === undefined ? undefined : { cause: options.cause });
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

/** Subjects of problems that are otherwise alike that are named before the others are counted. */
const NAMED = 10;
/** Different problems that one message holds. */
const SHOWN = 20;

/** Problems that differ only in what they are about, as one that names the first few of these and counts the others. */
export function groupProblems(problems: readonly Problem[]): Problem[] {
  const kinds = new Map<string, { hint: string | undefined; places: Map<string, Problem> }>();
  for (const problem of problems) {
    const { code, expected, got, subject, where, hint } = problem;
    const kind = JSON.stringify([code, expected, got]);
    const known = kinds.get(kind);
    // A hint that is said with one of them alone holds for all; other advice makes another kind.
    const differs = hint !== undefined && known?.hint !== undefined && known.hint !== hint;
    const key = differs ? JSON.stringify([kind, hint]) : kind;
    const group = kinds.get(key) ?? { hint: undefined, places: new Map() };
    group.hint ??= hint;
    group.places.set(JSON.stringify([subject, where]), problem);
    kinds.set(key, group);
  }
  return [...kinds.values()].map(({ hint, places }) => {
    const [first, ...others] = [...places.values()] as [Problem, ...Problem[]];
    const merged = { ...first, ...(hint === undefined ? {} : { hint }) };
    if (others.length === 0) return merged;
    // Places in one file: the file is named once.
    if (others.every(({ subject }) => subject === first.subject))
      return { ...merged, where: enumerated([first, ...others].map(({ where = "" }) => where)) };
    const { where: _, ...rest } = merged;
    const full = [first, ...others].map(({ subject, where }) =>
      where === undefined ? subject : `${subject}, ${where}`,
    );
    return { ...rest, subject: enumerated(full) };
  });
}

function enumerated(names: readonly string[]): string {
  return names.slice(0, NAMED).join("; ") + (names.length > NAMED ? ` and ${names.length - NAMED} more` : "");
}

/** A line for each kind of problem; very many are counted. */
export function describeProblems(problems: readonly Problem[]): string {
  const groups = groupProblems(problems);
  const lines = groups.slice(0, SHOWN).map(describeProblem);
  if (groups.length > SHOWN) lines.push(`and ${groups.length - SHOWN} more problems`);
  return lines.join("\n");
}

/** Collects problems so that all of one input are reported at once. */
export class ProblemList {
  readonly problems: Problem[] = [];
  private readonly said = new Set<string>();

  /** A problem that is in the list already is not said twice. */
  add(problem: Problem): void {
    const text = describeProblem(problem);
    if (!this.said.has(text)) this.problems.push(problem);
    this.said.add(text);
  }

  /** Runs `work`; the problems that it throws are added, and it becomes null. */
  collect<T>(work: () => T): T | null {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof BlindspotError)) throw error;
      for (const problem of error.problems) this.add(problem);
      return null;
    }
  }

  throwIfAny(exitCode: ExitCode = 2): void {
    if (this.problems.length > 0) throw new BlindspotError(this.problems, { exitCode });
  }
}

/** A mistake of ours, not of the user's. */
export function internalError(message: string): Error {
  return new Error(`internal: ${message}`);
}
