/** Timers count milliseconds in 31 bits; a longer time, nearly 25 days, is as good as none. */
const LONGEST_MS = 2 ** 31 - 1;

/** Fires when the time is over or the caller's own signal fires. */
export function stopSignal(timeSeconds: number | undefined, signal: AbortSignal | undefined): AbortSignal | undefined {
  if (timeSeconds === undefined || 1000 * timeSeconds > LONGEST_MS) return signal;
  const deadline = AbortSignal.timeout(Math.ceil(1000 * timeSeconds));
  if (signal === undefined) return deadline;
  const either = new AbortController();
  for (const one of [deadline, signal]) {
    if (one.aborted) either.abort(one.reason);
    one.addEventListener("abort", () => either.abort(one.reason), { once: true });
  }
  return either.signal;
}
