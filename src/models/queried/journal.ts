import type { RowAnswer } from "./answers.ts";

/**
 * Every answer that was paid for, by the hash of what was asked: no input is in it. `sent` is written before a request and `answered`
 * after it, so that a crash in between is counted as spent and never asked for free.
 */
export interface Journal {
  /** Rows that earlier sittings sent. */
  readonly sentBefore: number;
  /** What the probes answered when the target was first asked. */
  readonly probes: readonly RowAnswer[] | null;
  find(key: string): RowAnswer | undefined;
  /** Throws where it cannot be written: nothing may be sent then. */
  sent(rows: number): void;
  answered(answers: ReadonlyMap<string, RowAnswer>): void;
  keepProbes(answers: readonly RowAnswer[]): void;
  close(): void;
}

/** Answers of this sitting, without a file. */
export function memoryJournal(): Journal {
  const known = new Map<string, RowAnswer>();
  return {
    sentBefore: 0,
    probes: null,
    find: (key) => known.get(key),
    sent: () => {},
    answered: (answers) => {
      for (const [key, answer] of answers) known.set(key, answer);
    },
    keepProbes: () => {},
    close: () => {},
  };
}

/** Remembers nothing: for a function, which is asked again more cheaply than its answers are kept. */
export function noJournal(): Journal {
  return { ...memoryJournal(), find: () => undefined, answered: () => {} };
}
