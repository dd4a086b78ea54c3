import { sha256 } from "../base/hash.ts";
import type { Quantize } from "../inputs/codec.ts";
import { goalName } from "./goal.ts";
import type { Goal, Norm } from "./threat.ts";

/** What is the same for every norm: box, mask, 8-bit values and the goal. */
export interface ThreatOptions {
  /** Whether the attacked input is stored with 8 bits per value (default: "none", float32). */
  readonly quantize?: Quantize;
  /** Default: any wrong class. */
  readonly goal?: Goal;
  /** One byte per coordinate: 0 where nothing may change. Default: everything may. */
  readonly mask?: Uint8Array | null;
  /** How epsilon was written, for the id: `8/255`. */
  readonly spelled?: string;
}

/** `linf:8/255;uint8;untargeted`, behind a mask with the beginning of its hash: everything that changes what a threat means. */
export function threatId(norm: Norm, epsilon: number, options: ThreatOptions): string {
  const { quantize = "none", goal = { kind: "untargeted" }, mask = null, spelled = epsilon } = options;
  return `${norm}:${spelled};${quantize};${goalName(goal)}${mask === null ? "" : `;mask=${sha256(mask).slice(0, 8)}`}`;
}

/** Whether the threat of this id has a mask. Ids of before they had its hash end with `masked`. */
export function isMasked(id: string): boolean {
  return /;mask(ed|=)/.test(id);
}

/** What is wrong with a point, whatever the norm: size, NaN, box, mask, 8-bit values; or null. */
export function faultOf(
  x: Float32Array,
  x0: Float32Array,
  { quantize = "none", mask = null }: ThreatOptions,
): string | null {
  if (x.length !== x0.length) return `has ${x.length} values, not ${x0.length}`;
  for (let i = 0; i < x.length; i++) {
    const value = x[i]!;
    if (Number.isNaN(value)) return `value ${i} is NaN`;
    if (value < 0 || value > 1) return `value ${i} is outside the box: ${value}`;
    if (mask !== null && mask[i] === 0 && value !== x0[i]) return `value ${i} may not change (mask)`;
    if (quantize === "uint8" && Math.abs(255 * value - Math.round(255 * value)) > 1e-3)
      return `value ${i} is not an 8-bit value: ${value}`;
  }
  return null;
}

/** Writes the clean value wherever the mask allows no change. */
export function behindMask(x: Float32Array, x0: Float32Array, mask: Uint8Array | null): Float32Array {
  if (mask !== null) for (let i = 0; i < x.length; i++) if (mask[i] === 0) x[i] = x0[i]!;
  return x;
}

/** The nearest value in 0..1; `center` for what is not finite. */
export function intoBox(value: number, center: number): number {
  const above = Number(value > 1);
  const inside = Number(value > 0) - above;
  const result = inside * value + above;
  return Number.isNaN(result) ? center : result;
}
