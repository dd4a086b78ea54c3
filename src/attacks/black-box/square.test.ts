import { describe, expect, it } from "vitest";
import { Rng } from "../../base/rng.ts";
import { l2, linf } from "../../threats/lp.ts";
import type { Threat } from "../../threats/threat.ts";
import type { Sample } from "../attack.ts";
import { shareAt } from "./square.ts";
import { squareL2, unitProfile } from "./square-l2.ts";
import { squareLinf } from "./square-linf.ts";
import { randomSubset, randomWindow } from "./window.ts";

/** What proposals read of a sample. */
function subject(threat: Threat, dims: readonly number[]): Sample {
  const x0 = new Float32Array(dims.reduce((product, dim) => product * dim, 1)).fill(0.5);
  return { x0, dims, threat, rng: Rng.of(3) } as unknown as Sample;
}

describe("Square", () => {
  it.each([
    [0, 0.8],
    [10, 0.8],
    [11, 0.4],
    [50, 0.4],
    [200, 0.2],
    [500, 0.1],
    [501, 0.05],
    [8001, 0.8 / 512],
    [20000, 0.8 / 512],
  ])("at iteration %i covers a share of %f", (iteration, share) => {
    expect(shareAt(iteration, 0.8)).toBeCloseTo(share, 12);
    expect(shareAt(iteration / 10, 0.8, 1000)).toBeCloseTo(share, 12);
  });

  it("places windows up to the last row and column, evenly", () => {
    const rng = Rng.of(1);
    const seen = new Map<string, number>();
    for (let i = 0; i < 3000; i++) {
      const { top, left } = randomWindow({ height: 4, width: 5, channels: 1 }, 3, rng);
      seen.set(`${top} ${left}`, (seen.get(`${top} ${left}`) ?? 0) + 1);
    }
    expect([...seen.keys()].sort()).toEqual(["0 0", "0 1", "0 2", "1 0", "1 1", "1 2"]);
    for (const count of seen.values()) expect(Math.abs(count - 500)).toBeLessThan(5 * Math.sqrt(500));
  });

  it("starts with vertical stripes, one sign per column and channel", () => {
    const start = squareLinf(subject(linf(0.1), [4, 3, 2])).initial();
    for (let row = 1; row < 4; row++) expect(start.slice(row * 6, row * 6 + 6)).toEqual(start.slice(0, 6));
    for (const value of start) expect([0.4, 0.6].map(Math.fround)).toContain(value);
  });

  it.each([[[6, 5, 3]], [[6, 5, 1]], [[17]]])("changes one window and never nothing, on %o", (dims) => {
    const proposals = squareLinf(subject(linf(0.1), dims));
    const best = proposals.initial();
    const candidate = new Float32Array(best.length);
    for (const p of [0.8, 0.1, 0.001])
      for (let i = 0; i < 50; i++) {
        proposals.propose(best, p, candidate);
        const changed = candidate.filter((value, at) => value !== best[at]).length;
        expect(changed).toBeGreaterThan(0);
        if (p === 0.001) expect(changed).toBeLessThanOrEqual(dims[2] ?? 1);
        for (const value of candidate) expect([0.4, 0.6].map(Math.fround)).toContain(value);
      }
  });

  it("does not hang where nothing can change", () => {
    const proposals = squareLinf(subject(linf(0.1, { mask: new Uint8Array(12) }), [2, 2, 3]));
    const best = proposals.initial();
    proposals.propose(best, 0.5, new Float32Array(12));
    expect(best.every((value) => value === 0.5)).toBe(true);
  });

  it.each([[[12, 9, 3]], [[3, 3, 1]], [[1, 4, 1]], [[20]]])("in L2 stays on the sphere, on %o", (dims) => {
    const threat = l2(0.3);
    const one = subject(threat, dims);
    const proposals = squareL2(one);
    let best = proposals.initial();
    expect(threat.distance(best, one.x0)).toBeCloseTo(0.3, 5);
    for (let i = 0; i < 30; i++) {
      const candidate = new Float32Array(best.length);
      proposals.propose(best, 0.3, candidate);
      expect(threat.distance(candidate, one.x0)).toBeCloseTo(0.3, 5);
      best = candidate;
    }
  });

  it.each([1, 3, 5, 8])("has a profile of unit length and two opposite halves, side %i", (side) => {
    const profile = unitProfile(side, false);
    expect(Math.hypot(...profile)).toBeCloseTo(1, 12);
    const upper = Math.floor(side / 2) * side;
    expect(profile.slice(0, upper).every((value) => value >= 0)).toBe(true);
    expect(profile.slice(upper).every((value) => value <= 0)).toBe(true);
    const turned = unitProfile(side, true);
    for (let row = 0; row < side; row++)
      for (let column = 0; column < side; column++)
        expect(turned[row * side + column]).toBe(profile[column * side + row]);
  });

  it("chooses different features, each as often", () => {
    const rng = Rng.of(2);
    const counts = new Array<number>(6).fill(0);
    for (let i = 0; i < 2000; i++) {
      const subset = randomSubset(6, 3, rng);
      expect(new Set(subset).size).toBe(3);
      for (const feature of subset) counts[feature]!++;
    }
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(5 * Math.sqrt(500));
  });
});
