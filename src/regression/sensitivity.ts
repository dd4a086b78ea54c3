/** Two-sided 5 % and 80 % power, as quantiles of the normal distribution. */
const Z_ALPHA = 1.959964;
const Z_POWER = 0.841621;

/**
 * The smallest drop of a rate that McNemar's test on so many pairs would have noticed, four times in five, at 5 %: Connor, "Sample size for testing
 * differences in proportions for the paired-sample design", Biometrics 43 (1987) 207-211, solved for the difference. `gained`: pairs that went the other
 * way; the more there are, the more noise there is. 1 where no drop would have been noticed.
 */
export function leastDrop(pairs: number, gained: number): number {
  if (pairs === 0) return 1;
  const up = gained / pairs;
  const noticed = (drop: number): boolean => {
    const discordant = 2 * up + drop;
    const needed =
      (Z_ALPHA * Math.sqrt(discordant) + Z_POWER * Math.sqrt(discordant - drop * drop)) ** 2 / (drop * drop);
    return needed <= pairs;
  };
  const largest = 1 - up;
  if (!noticed(largest)) return 1;
  let [low, high] = [0, largest];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (noticed(middle)) high = middle;
    else low = middle;
  }
  return high;
}
