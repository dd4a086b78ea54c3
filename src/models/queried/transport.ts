import { BlindspotError, type Problem } from "../../base/errors.ts";

/** Rows of one request. */
export interface Batch {
  /** As the target takes them: in its units and its order of elements. */
  readonly rows: readonly Float32Array[];
  /** The same in attack space. */
  readonly points: readonly Float32Array[];
  /** Of one row. */
  readonly shape: readonly number[];
  /** What the rows are to a target that takes texts. */
  readonly texts?: readonly string[];
}

/** What a target answered, as it came: nothing of it is trusted. Either holds one entry for each row. */
export interface RawAnswer {
  readonly scores?: unknown;
  readonly labels?: unknown;
}

/** The way to one target: a function, a program, or an endpoint behind an adapter. It asks once; patience is the caller's. */
export interface Transport {
  readonly kind: "function" | "http" | "command";
  /** For messages and results; holds no secret. */
  readonly name: string;
  /** Throws a `TransientFailure` where asking again may help, else another BlindspotError. */
  ask(batch: Batch, signal: AbortSignal): Promise<RawAnswer>;
  close(): Promise<void>;
}

/** A failure that asking again may mend: too many requests, an overloaded server, a lost connection, an answer that was cut short. */
export class TransientFailure extends BlindspotError {
  /** What the server asked for (`Retry-After`). */
  readonly retryAfterMs: number | null;

  constructor(problem: Problem, options: { retryAfterMs?: number | null; cause?: unknown } = {}) {
    super(problem, { exitCode: 3, cause: options.cause });
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** The rows as JSON holds them: texts, or nested arrays of numbers. */
export function jsonRows({ rows, texts, shape }: Batch): readonly unknown[] {
  return texts ?? rows.map((row) => nested(row, shape));
}

/** A row as nested arrays: [[[r, g, b], ...], ...] for an image. */
export function nested(row: ArrayLike<number>, shape: readonly number[]): unknown {
  let level: unknown[] = Array.from(row);
  for (const size of shape.slice(1).reverse()) {
    const next: unknown[] = [];
    for (let from = 0; from < level.length; from += size) next.push(level.slice(from, from + size));
    level = next;
  }
  return level;
}
