import { anySignal } from "../base/abort.ts";

/** Timers count milliseconds in 31 bits; a longer time, nearly 25 days, is as good as none. */
const LONGEST_MS = 2 ** 31 - 1;

/** Fires when the time is over or the caller's own signal fires. */
export function stopSignal(timeSeconds: number | undefined, signal: AbortSignal | undefined): AbortSignal | undefined {
  if (timeSeconds === undefined || 1000 * timeSeconds > LONGEST_MS) return signal;
  return anySignal([AbortSignal.timeout(Math.ceil(1000 * timeSeconds)), signal]);
}
