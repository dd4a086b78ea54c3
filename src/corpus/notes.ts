import type { Entry, Trust } from "./entry.ts";

/** Something that was worked out about a sample as it stands. */
export interface Note {
  readonly id: string;
  /** Which of several about the same sample. */
  readonly part: string;
  /** What it is counted by; one of few. */
  readonly kind: string;
  /** What it can be looked up by. */
  readonly place: string | null;
  /** Another sample that it names: it stands only as long as that one is there. */
  readonly refers: string | null;
  readonly body: string;
}

/**
 * Notes for one purpose. Those about a sample are gone as soon as it changes, so what has none is what is left to do. They may be lost at any time;
 * then the work is done again.
 */
export interface Notes {
  /** Samples in these states that have none, by id, page by page. */
  missing(states: readonly Trust[]): Iterable<readonly Entry[]>;
  /** Of one sample all or none. False where they can't be kept: the disk is full. */
  put(notes: readonly Note[]): boolean;
  counts(): readonly { readonly kind: string; readonly notes: number }[];
  /** What notes of these kinds say, by sample, then by part. */
  bodies(kinds: readonly string[]): Iterable<string>;
  /** Which notes are of these kinds: sample and part, in no order. */
  keys(kinds: readonly string[]): readonly (readonly [id: string, part: string])[];
  /** What all about samples whose ids begin so say, in the same order, joined; null: there are none. */
  joined(prefix: string, separator: string): Uint8Array | null;
  /** The last sample, by id, with a note at this place. */
  at(place: string): string | null;
  /** From here on they are read as they are now, whatever another process changes, and none can be put. */
  freeze(): void;
  thaw(): void;
}
