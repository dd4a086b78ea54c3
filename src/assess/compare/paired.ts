import { Rng } from "../../base/rng.ts";
import { type Interval, wilson95 } from "../statistics.ts";

/** What two versions of a model made of the same samples. */
export interface PairedCounts {
  readonly both: number;
  /** Right before, wrong after. */
  readonly lost: number;
  /** Wrong before, right after. */
  readonly gained: number;
  readonly neither: number;
}

/** Samples that are not independent (one group, or one input several times): all of them were drawn, or none. */
export interface Unit {
  readonly samples: number;
  readonly before: number;
  readonly after: number;
}

/**
 * 95 % interval of the difference after - before of two proportions of the same samples: Newcombe, "Improved confidence intervals for the
 * difference between binomial proportions based on paired data", Statistics in Medicine 17 (1998) 2635-2650, method 10: Wilson's intervals of
 * both, squared and added, with the correlation phi (continuity-corrected) between them. It stays inside -1..1 and is not empty where no
 * pair differs. Nothing observed: -1..1.
 */
export function newcombePaired95({ both, lost, gained, neither }: PairedCounts): Interval {
  const n = both + lost + gained + neither;
  if (n === 0) return { low: -1, high: 1 };
  const after = both + gained;
  const before = both + lost;
  const [p1, p2] = [after / n, before / n];
  const [one, two] = [wilson95(after, n), wilson95(before, n)];
  const phi = correctedPhi({ both, lost, gained, neither });
  const side = (a: number, b: number) => Math.sqrt(Math.max(0, a * a - 2 * phi * a * b + b * b));
  return {
    low: Math.max(-1, p1 - p2 - side(p1 - one.low, two.high - p2)),
    high: Math.min(1, p1 - p2 + side(p2 - two.low, one.high - p1)),
  };
}

/** The phi coefficient of the table, corrected for continuity where it is positive; 0 where a margin is empty. */
function correctedPhi({ both, lost, gained, neither }: PairedCounts): number {
  const n = both + lost + gained + neither;
  const margins = (both + lost) * (gained + neither) * (both + gained) * (lost + neither);
  if (margins === 0) return 0;
  const determinant = both * neither - lost * gained;
  return (determinant > 0 ? Math.max(determinant - n / 2, 0) : determinant) / Math.sqrt(margins);
}

/**
 * McNemar's test that gains and losses are equally likely, two-sided mid-p (Fagerland, Lydersen and Laake, BMC Medical Research Methodology 13:91,
 * 2013): the exact conditional test with half the probability of what was observed. 1 where no pair differs.
 */
export function mcnemarMidP(gained: number, lost: number): number {
  const n = gained + lost;
  if (n === 0) return 1;
  const least = Math.min(gained, lost);
  let tail = 0;
  // Logarithms: 2^-n is 0 in double precision from n = 1,075.
  let logTerm = -n * Math.LN2;
  for (let k = 0; k <= least; k++) {
    tail += k === least ? Math.exp(logTerm) / 2 : Math.exp(logTerm);
    logTerm += Math.log((n - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}

const RESAMPLES = 4000;

/**
 * 95 % interval of the same difference where samples come in groups: the percentile bootstrap over whole groups (Davison and Hinkley, Bootstrap
 * Methods and their Application, 1997, section 3.8). Seeded: the same runs give the same interval.
 */
export function groupBootstrap95(units: readonly Unit[]): Interval {
  if (units.length === 0) return { low: -1, high: 1 };
  const rng = Rng.of(0).fold("paired-bootstrap");
  const differences = Float64Array.from({ length: RESAMPLES }, () => {
    let samples = 0;
    let difference = 0;
    for (let i = 0; i < units.length; i++) {
      const unit = units[rng.integer(units.length)]!;
      samples += unit.samples;
      difference += unit.after - unit.before;
    }
    return difference / samples;
  }).sort();
  return { low: differences[RESAMPLES * 0.025 - 1]!, high: differences[RESAMPLES * 0.975 - 1]! };
}
