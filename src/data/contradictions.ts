import { BlindspotError, type Problem } from "../base/errors.ts";

/** Lines, and different values, that one message names before it counts the others. */
const LINES = 10;
const VALUES = 4;
/** What tables write where nothing is known. */
const MISSING = new Set(["", "?", "na", "n/a", "nan", "null", "none", "-"]);

interface Contradiction {
  readonly problem: Omit<Problem, "subject" | "where">;
  readonly lines: number[];
  readonly got: Set<string>;
}

/** Where the lines of a table contradict a schema: one problem for each field and each relation, with the lines, so that a flood of one hides no other. */
export class Contradictions {
  private readonly found = new Map<string, Contradiction>();
  private readonly subject: string;

  constructor(subject: string) {
    this.subject = subject;
  }

  /** @param name of what is contradicted: a field; none for the line itself and for relations, which `expected` names */
  add(line: number, name: string, problem: Omit<Problem, "subject" | "where" | "got">, got: string): void {
    const key = JSON.stringify([problem.code, name, problem.expected]);
    const known: Contradiction = this.found.get(key) ?? { problem, lines: [], got: new Set() };
    this.found.set(key, known);
    known.lines.push(line);
    known.got.add(got);
  }

  /** @param of how many lines were read */
  throwIfAny(of: number): void {
    if (this.found.size === 0) return;
    const problems = [...this.found].map(([key, { problem, lines, got }]): Problem => {
      const [, name] = JSON.parse(key) as [string, string];
      const values = [...got];
      const missing = values.find((value) => MISSING.has(value.toLowerCase()));
      const shown = values.map((value) => (problem.code === "E_ROW_VALUE" ? `'${value}'` : value));
      const where = `${lines.length === 1 ? "line" : "lines"} ${listed(lines.map(String), LINES)}`;
      const every = lines.length === of && of > 1 ? " (every line)" : "";
      return {
        ...problem,
        subject: this.subject,
        where: `${name === "" ? "" : `${name}, `}${where}${every}`,
        got: listed(shown, VALUES),
        hint:
          missing === undefined
            ? "Mend the data, or the schema"
            : `Are these missing? ?missing=${missing} leaves them out`,
      };
    });
    throw new BlindspotError(problems);
  }
}

function listed(names: readonly string[], most: number): string {
  const rest = names.length - most;
  return names.slice(0, most).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
