import { BlindspotError } from "../../base/errors.ts";
import { TransientFailure } from "./transport.ts";

export interface Patience {
  /** One request. */
  readonly timeoutMs: number;
  /** Times that a request is sent again. */
  readonly retries: number;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 60_000;

/** Before the next attempt: what the server asks for, or twice as long each time. A server that asks for more than a minute is not waited for. */
export function waitMs(failure: TransientFailure, attempt: number): number | null {
  if (failure.retryAfterMs !== null) return failure.retryAfterMs > LONGEST_WAIT_MS ? null : failure.retryAfterMs;
  return Math.min(FIRST_WAIT_MS * 2 ** attempt, LONGEST_WAIT_MS);
}

/**
 * Runs `work` with a signal that fires when its time is over; that it then fails is a transient failure. Whoever does not listen to the signal
 * is not waited for.
 */
export async function withinTime<T>(
  timeoutMs: number,
  name: string,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort();
      reject(
        new TransientFailure({
          code: "E_TIMEOUT",
          subject: name,
          expected: `an answer within ${timeoutMs / 1000} s`,
          hint: "Give it longer with --timeout SECONDS",
        }),
      );
    }, timeoutMs);
  });
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a run is told when a target gave up: the last failure, and how often it was asked. */
export function gaveUp(failure: TransientFailure, attempts: number): BlindspotError {
  const [problem] = failure.problems;
  const got = [problem!.got, attempts > 1 ? `${attempts} times` : undefined].filter((part) => part !== undefined);
  return new BlindspotError(
    { ...problem!, ...(got.length === 0 ? {} : { got: got.join(", ") }) },
    { exitCode: 3, cause: failure },
  );
}
