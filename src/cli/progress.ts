/** Where progress is drawn; process.stderr fits. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const TTY_INTERVAL_MS = 100;
const LOG_INTERVAL_MS = 10_000;

/** One line that updates on a terminal; elsewhere a line every ten seconds. */
export class Progress {
  private readonly stream: ProgressStream;
  private readonly quiet: boolean;
  private readonly now: () => number;
  private last = Number.NEGATIVE_INFINITY;
  private drawn = false;

  constructor(stream: ProgressStream, quiet: boolean, now: () => number = () => performance.now()) {
    this.stream = stream;
    this.quiet = quiet;
    this.now = now;
  }

  /** The state of things; shown if the last one is old enough. */
  update(text: () => string): void {
    const tty = this.stream.isTTY === true;
    const now = this.now();
    if (this.quiet || now - this.last < (tty ? TTY_INTERVAL_MS : LOG_INTERVAL_MS)) return;
    // A run shorter than the interval needs no line at all in a log.
    if (!tty && this.last === Number.NEGATIVE_INFINITY) {
      this.last = now;
      return;
    }
    this.last = now;
    if (!tty) this.stream.write(`${text()}\n`);
    else this.stream.write(`\r\u001b[2K${text().slice(0, (this.stream.columns ?? 80) - 1)}`);
    this.drawn = tty;
  }

  /** Something worth a line of its own. */
  line(text: string): void {
    this.clear();
    if (!this.quiet) this.stream.write(`${text}\n`);
  }

  clear(): void {
    if (this.drawn) this.stream.write("\r\u001b[2K");
    this.drawn = false;
  }
}
