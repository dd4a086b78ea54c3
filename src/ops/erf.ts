const TWO_OVER_SQRT_PI = 2 / Math.sqrt(Math.PI);

/**
 * The error function to float64 precision. Abramowitz and Stegun, Handbook of Mathematical Functions: 7.1.6 (a series of positive terms)
 * near zero, 7.1.14 (continued fraction of erfc) in the tails.
 */
export function erf(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  const size = Math.abs(x);
  if (size > 6) return Math.sign(x);
  return size < 2.5 ? TWO_OVER_SQRT_PI * Math.exp(-x * x) * series(x) : Math.sign(x) * (1 - tail(size));
}

/** Sum of 2^n x^(2n+1) / (2n+1)!! */
function series(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return sum;
}

/** erfc(x) = exp(-x^2) / sqrt(pi) / (x + 1/2 / (x + 1 / (x + 3/2 / (x + 2 / ...)))) */
function tail(x: number): number {
  let fraction = x;
  for (let n = 60; n >= 1; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}
