/** Time, as an argument. `sleep` rejects with the signal's reason when it fires. */
export interface Clock {
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** Who sleeps until a signal: they share one listener, since Node.js warns of many. */
const sleepers = new WeakMap<AbortSignal, Set<() => void>>();

function sleepersOf(signal: AbortSignal): Set<() => void> {
  const known = sleepers.get(signal);
  if (known !== undefined) return known;
  const all = new Set<() => void>();
  sleepers.set(signal, all);
  const wake = () => {
    for (const stop of all) stop();
  };
  signal.addEventListener("abort", wake, { once: true });
  return all;
}

export const wallClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const all = sleepersOf(signal);
      const stop = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        all.delete(stop);
        resolve();
      }, ms);
      all.add(stop);
    }),
};

/** Timers fire late by some milliseconds; so much may be made up for, so that the stated rate is reached. */
const CATCH_UP_MS = 50;

/** Gives each request its turn: at most `rate` rows a second, at most `concurrency` requests at once, none before a pause is over. */
export class Pacer {
  private readonly rate: number;
  private readonly clock: Clock;
  private readonly concurrency: number;
  private next = -Infinity;
  private pausedUntil = -Infinity;
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(rate: number, concurrency: number, clock: Clock) {
    this.rate = rate;
    this.concurrency = concurrency;
    this.clock = clock;
  }

  /** Runs `work` when its turn has come. Throws the signal's reason if it fires before. */
  async run<T>(rows: number, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.running >= this.concurrency) await new Promise<void>((go) => this.waiting.push(go));
    else this.running++;
    try {
      await this.turn(rows, signal);
      return await work();
    } finally {
      const go = this.waiting.shift();
      if (go === undefined) this.running--;
      else go();
    }
  }

  /** No request starts within this time: a server that asks for a pause asks it of all. */
  pause(ms: number): void {
    this.pausedUntil = Math.max(this.pausedUntil, this.clock.now() + ms);
  }

  private async turn(rows: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw signal.reason;
    const now = this.clock.now();
    const slot = Math.max(this.next, now - CATCH_UP_MS);
    this.next = slot + (1000 * rows) / this.rate;
    let wait = Math.max(slot, this.pausedUntil) - now;
    while (wait > 0) {
      await this.clock.sleep(wait, signal);
      wait = this.pausedUntil - this.clock.now();
    }
  }
}
