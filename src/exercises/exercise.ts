import type { Lesson } from "./lesson.ts";
import type { Workbench } from "./workbench.ts";

export interface Exercise {
  /** As typed on the command line. */
  readonly name: string;
  /** One line for the list. */
  readonly summary: string;
  /** Whether it needs the attacker's own model. */
  readonly needsSurrogate: boolean;
  /** Whether it can be told which wrong answer the attacker wants (`--goal`). */
  readonly takesGoal: boolean;
  /** Deterministic: the same workbench gives the same lesson. Throws a BlindspotError for what does not fit. */
  run(bench: Workbench): Promise<Lesson>;
}
