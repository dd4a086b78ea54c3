import { BlindspotError } from "../../base/errors.ts";

export interface Budget {
  /** Rows that may be sent, in all sittings together. */
  readonly maxQueries?: number;
  /** Price of one row. */
  readonly costPerQuery?: number;
  readonly maxCost?: number;
}

/**
 * What may still be spent. A row is spent when it is sent, whatever comes back: a budget holds even if every refused request is billed.
 * Rows that are set aside are for the probes at the end of a run.
 */
export class Allowance {
  readonly limit: number;
  private readonly costPerQuery: number;
  private sent: number;
  private aside = 0;

  constructor({ maxQueries = Infinity, costPerQuery = 0, maxCost = Infinity }: Budget, sentBefore = 0) {
    // A millionth of a query is not lost to rounding: 10 queries of 0.1 cost 1.
    const affordable = costPerQuery > 0 ? Math.floor(maxCost / costPerQuery + 1e-6) : Infinity;
    this.limit = Math.min(maxQueries, affordable);
    this.costPerQuery = costPerQuery;
    this.sent = sentBefore;
  }

  /** Rows sent so far, in all sittings. */
  get queries(): number {
    return this.sent;
  }

  get cost(): number {
    return this.sent * this.costPerQuery;
  }

  /** Rows that may still be sent, those apart that are set aside. */
  get left(): number {
    return this.limit - this.sent - this.aside;
  }

  setAside(rows: number): void {
    this.aside = rows;
  }

  /** Throws `E_BUDGET` where these rows would exceed the budget; nothing is spent then. */
  spend(rows: number, name: string): void {
    if (rows > this.left)
      throw new BlindspotError(
        {
          code: "E_BUDGET",
          subject: name,
          expected: `at most ${this.limit} queries`,
          got: `${this.sent} sent, ${rows} more asked for${this.aside > 0 ? `, ${this.aside} kept for the probes at the end` : ""}`,
          hint: "Resume with a larger --max-queries or --max-cost: answers that were paid for are kept",
        },
        { exitCode: 3 },
      );
    this.sent += rows;
  }
}
