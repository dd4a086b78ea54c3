/** The 97.5 % point of the standard normal distribution. */
const Z95 = 1.959963984540054;

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * Wilson's score interval, 95 %, of `successes` out of `of` (Wilson, JASA 1927). Unlike the textbook interval it stays inside
 * 0..1 and is not empty at 0 and at `of`. Nothing observed: 0..1.
 */
export function wilson95(successes: number, of: number): Interval {
  if (of === 0) return { low: 0, high: 1 };
  const p = successes / of;
  const z2 = Z95 * Z95;
  const center = (p + z2 / (2 * of)) / (1 + z2 / of);
  const half = (Z95 / (1 + z2 / of)) * Math.sqrt((p * (1 - p)) / of + z2 / (4 * of * of));
  // At the ends the formula is exact up to rounding; say 0 and 1 there.
  return {
    low: successes === 0 ? 0 : Math.max(0, center - half),
    high: successes === of ? 1 : Math.min(1, center + half),
  };
}

/** A proportion with its counts, as every rate is stored. */
export interface Proportion {
  readonly value: number;
  readonly sampling95: Interval;
}

/** `value` is 0 where nothing was counted; its interval is then 0..1, which says so. */
export function proportion(successes: number, of: number): Proportion {
  return { value: of === 0 ? 0 : successes / of, sampling95: wilson95(successes, of) };
}

/** Middle value of finite numbers (mean of the two middle ones); NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return sorted.length === 0 ? Number.NaN : (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
}
