import type { Finding, Result, SampleLine } from "./schema.ts";

/** Where a run keeps what it finishes. The folder of `files.ts` on disk; or nothing but memory. */
export interface RunStore {
  /** Folder of the run, or null. */
  readonly directory: string | null;
  /** Lines of samples that earlier sittings of the same run finished. */
  readonly finished: readonly SampleLine[];
  /** Wall time of earlier sittings. */
  readonly secondsBefore: number;
  /** Stores an input and returns its path inside the run's folder. */
  blob(bytes: Uint8Array, extension: string): Promise<string>;
  /** One sample under one threat is finished: its findings first, then its line, so that a line vouches for its findings. */
  append(line: SampleLine, findings: readonly Finding[]): Promise<void>;
  /** All that are kept, earlier sittings included. */
  readonly findings: readonly Finding[];
  /** Writes the result and gives every file its final name. */
  finish(result: Result): Promise<void>;
}

/** A run as it lies in its folder, read back. What reports, risk and the corpus work from. */
export interface StoredRun {
  readonly result: Result;
  readonly samples: readonly SampleLine[];
  readonly findings: readonly Finding[];
  /** What is missing or does not fit, in sentences for a reader: an incomplete run, files that were edited by hand. */
  readonly problems: readonly string[];
  /** Bytes of a blob by its path in a finding; null if it is missing or is not what its name says. */
  blob(path: string): Promise<Uint8Array | null>;
}

export function memoryStore(): RunStore {
  const findings: Finding[] = [];
  return {
    directory: null,
    finished: [],
    secondsBefore: 0,
    findings,
    blob: async () => "",
    append: async (_line, found) => {
      findings.push(...found);
    },
    finish: async () => {},
  };
}
