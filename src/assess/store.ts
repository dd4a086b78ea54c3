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
  /** How many findings are kept, earlier sittings included. */
  readonly findings: number;
  /** Writes the result and gives every file its final name. */
  finish(result: Result): Promise<void>;
}

export function memoryStore(): RunStore {
  let findings = 0;
  return {
    directory: null,
    finished: [],
    secondsBefore: 0,
    get findings() {
      return findings;
    },
    blob: async () => "",
    append: async (_line, found) => {
      findings += found.length;
    },
    finish: async () => {},
  };
}
