/** The value of a field of a row, as a user submits it. */
export type FieldValue = number | string | boolean;

/** What one coordinate of a vector is to the user. */
export interface Field {
  readonly name?: string;
  /** Its values in the user's own units at 0 and at 1 of the scaled box. */
  readonly low: number;
  readonly high: number;
}

/** Points are float32: more digits than these are noise of the scaling. */
const DIGITS = 7;

/** A coordinate of a point (0..1) in the user's own units. */
export function inUserUnits({ low, high }: Field, x: number): number {
  return Number((low + (high - low) * x).toPrecision(DIGITS));
}
