import type { StoredRun } from "../assess/store.ts";

export interface ReportOptions {
  /** How many findings are shown with pictures. Default 60. */
  readonly pictures?: number;
}

/** A stored run as a document: a pure function, the same bytes on every machine. */
export interface Reporter {
  readonly extension: string;
  readonly summary: string;
  render(run: StoredRun, options: ReportOptions): Promise<string>;
}
