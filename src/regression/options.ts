import type { Catalog } from "../corpus/catalog.ts";
import type { Corpus } from "../corpus/corpus.ts";
import type { GateEvent } from "./event.ts";
import type { FreshAnswer } from "./fresh.ts";
import type { Memory } from "./memory.ts";
import type { EffortOptions } from "./reattack.ts";
import type { GatePolicy } from "./schema.ts";
import type { Version } from "./version.ts";

export interface ReplayOptions {
  readonly corpus: Corpus;
  /** What is in it; default: its files are read. */
  readonly catalog?: Catalog;
  readonly candidate: Version;
  /** Default: none. */
  readonly memory?: Memory;
  readonly toolVersion?: string;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: GateEvent) => void;
}

export interface GateOptions extends ReplayOptions {
  readonly base: Version;
  readonly effort?: EffortOptions;
  readonly policy?: Partial<GatePolicy>;
  /** The day that decides whether a waiver still holds. */
  readonly now?: () => Date;
  /** Asked when the corpus is done: what both versions make of a random set. */
  readonly fresh?: () => Promise<FreshAnswer>;
}
