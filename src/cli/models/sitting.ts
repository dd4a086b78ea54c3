/** How one sitting of a command asks. */
export interface Sitting {
  /** Where answers are kept; null: nowhere. */
  readonly journal: string | null;
  /** Of the run; null: nothing is kept. */
  readonly folder: string | null;
  readonly signal: AbortSignal;
  /** Only plan: the target is not asked. */
  readonly dryRun: boolean;
  /** What will be run, where it is not `--attacks`. */
  readonly attacks?: readonly string[];
  /** Progress. */
  tell?(text: () => string): void;
}
