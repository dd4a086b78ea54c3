import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { groupBootstrap95, mcnemarMidP, newcombePaired95, type PairedCounts, type Unit } from "./paired.ts";

/** In the order of the published tables: both, only the first, only the second, neither. `after` is the first here. */
const table = (both: number, gained: number, lost: number, neither: number): PairedCounts => ({
  both,
  gained,
  lost,
  neither,
});
const counts = fc.tuple(...([0, 1, 2, 3] as const).map(() => fc.nat(300))).map(([a, b, c, d]) => table(a!, b!, c!, d!));
const swapped = ({ both, gained, lost, neither }: PairedCounts) => table(both, lost, gained, neither);

describe("newcombePaired95", () => {
  it.each([
    // Bentur et al. 2009, as Fagerland, Lydersen and Laake (2014) give it: -0.507 to -0.026.
    ["airway hyper-responsiveness", table(1, 1, 7, 12), -0.507, -0.026],
    // Armitage and Berry's two media, as Newcombe (1998) gives it: 0.0562 to 0.3292.
    ["culture media", table(20, 12, 2, 16), 0.056, 0.329],
    // By a second implementation of the formulas, in Python.
    ["an empty cell", table(14, 5, 0, 22), 0.0115, 0.2265],
    ["an empty margin", table(53, 0, 1, 0), -0.0977, 0.0496],
    ["negative correlation", table(36, 12, 2, 0), 0.0569, 0.3404],
    ["nothing stood before", table(0, 30, 0, 20), 0.4445, 0.7239],
  ])("%s", (_, counted, low, high) => {
    const interval = newcombePaired95(counted);
    expect(interval.low).toBeCloseTo(low, 3);
    expect(interval.high).toBeCloseTo(high, 3);
  });

  it("is everything where nothing was observed", () =>
    expect(newcombePaired95(table(0, 0, 0, 0))).toEqual({ low: -1, high: 1 }));

  it("holds the difference, stays inside -1..1, and is mirrored when before and after are swapped", () => {
    fc.assert(
      fc.property(counts, (one) => {
        const n = one.both + one.gained + one.lost + one.neither;
        fc.pre(n > 0);
        const { low, high } = newcombePaired95(one);
        const other = newcombePaired95(swapped(one));
        const difference = (one.gained - one.lost) / n;
        expect(low).toBeLessThanOrEqual(difference + 1e-12);
        expect(high).toBeGreaterThanOrEqual(difference - 1e-12);
        expect(low).toBeGreaterThanOrEqual(-1);
        expect(high).toBeLessThanOrEqual(1);
        expect(other.low).toBeCloseTo(-high, 10);
        expect(other.high).toBeCloseTo(-low, 10);
      }),
    );
  });
});

describe("mcnemarMidP", () => {
  it.each([
    // Fagerland, Lydersen and Laake (2013): 0.039 for Bentur's table, 0.035 for Cavo's.
    [1, 7, 0.0390625],
    [6, 16, 0.0347],
    // By hand: 2 (1/2 C(4,0)) / 16.
    [4, 0, 0.0625],
    [0, 0, 1],
    [5, 5, 1],
  ])("%i gained, %i lost", (gained, lost, p) => expect(mcnemarMidP(gained, lost)).toBeCloseTo(p, 4));

  it("is the same for gains as for losses, and in range for any number of pairs", () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(5000), (a, b) => {
        const p = mcnemarMidP(a, b);
        expect(p).toBe(mcnemarMidP(b, a));
        expect(p).toBeGreaterThanOrEqual(0);
        expect(p).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe("groupBootstrap95", () => {
  const units = (count: number, size: number): Unit[] =>
    Array.from({ length: count }, (_, i) => ({
      samples: size,
      before: i % 4 === 0 ? size : 0,
      after: i % 2 ? size : 0,
    }));

  it("is about Newcombe's where each sample is its own group", () => {
    const ours = groupBootstrap95(units(400, 1));
    const theirs = newcombePaired95(table(0, 200, 100, 100));
    expect(ours.low).toBeCloseTo(theirs.low, 1.7);
    expect(ours.high).toBeCloseTo(theirs.high, 1.7);
  });

  it("counts ten copies of an input once", () =>
    expect(groupBootstrap95(units(40, 10))).toEqual(groupBootstrap95(units(40, 1))));

  it("is a point where nothing differs", () => {
    const same = units(20, 1).map((unit) => ({ ...unit, after: unit.before }));
    expect(groupBootstrap95(same)).toEqual({ low: 0, high: 0 });
  });
});
