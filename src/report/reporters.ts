import type { StoredRun } from "../assess/store.ts";
import type { RunCorpus } from "../corpus/summary.ts";

export interface ReportOptions {
  /** How many findings are shown with pictures. Default 60. */
  readonly pictures?: number;
  /** What the run stored in a corpus. Default: nothing. */
  readonly corpus?: RunCorpus | null;
}

/** A stored run as a document: a pure function, the same bytes on every machine. */
export interface Reporter {
  readonly extension: string;
  readonly summary: string;
  render(run: StoredRun, options: ReportOptions): Promise<string>;
}
