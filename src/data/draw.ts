import { Rng } from "../base/rng.ts";
import type { Dataset } from "./dataset.ts";
import { dataError } from "./problems.ts";

/**
 * A seeded draw of so many samples; or all; or the first so many, in the order of the source; or those at these positions
 * (`index:17,18`, from 0), in the order given.
 */
export type SampleCount = number | "all" | `first:${number}` | `index:${string}`;

export interface DrawOptions {
  readonly samples: SampleCount;
  readonly seed: number;
}

type Drawable = Pick<Dataset, "spec" | "labels" | "groups">;

/**
 * Indices of samples, each once. A draw is stratified by class (largest remainders) and keeps a group together, so with groups it may fall short
 * of the number. Its order is random: what an interrupted run has finished is itself a fair sample.
 */
export function drawSamples(dataset: Drawable, options: DrawOptions): number[] {
  const { samples, seed } = options;
  const total = dataset.labels.length;
  const all = Array.from({ length: total }, (_, index) => index);
  if (samples === "all") return all;
  if (typeof samples === "string")
    return samples.startsWith("index:") ? atPositions(samples, dataset) : all.slice(0, parseFirst(samples));
  if (!Number.isInteger(samples) || samples < 1) throw drawError(`${samples}`);
  const rng = Rng.of(seed).fold("draw");
  if (samples >= total) return rng.fold("order").shuffle(all);
  const strata = byClass(dataset, rng);
  const drawn: number[] = [];
  const left: number[][] = [];
  const quotas = largestRemainders(
    [...strata.values()].map((units) => units.flat().length),
    samples,
  );
  [...strata.values()].forEach((units, i) => {
    left.push(...take(units, quotas[i]!, drawn));
  });
  // Groups that did not fit a class's quota leave places open.
  take(rng.fold("rest").shuffle(left), samples - drawn.length, drawn);
  if (drawn.length === 0)
    throw dataError(dataset.spec, {
      code: "E_DATA_DRAW",
      expected: "a group that is no larger than the draw",
      got: `${samples} samples`,
      hint: "Raise --samples",
    });
  return rng.fold("order").shuffle(drawn);
}

function parseFirst(samples: string): number {
  const count = Number(/^first:(\d+)$/.exec(samples)?.[1] ?? 0);
  if (count < 1) throw drawError(samples);
  return count;
}

function atPositions(samples: string, { spec, labels }: Drawable): number[] {
  const positions = samples
    .slice("index:".length)
    .split(",")
    .map((text) => (/^\d+$/.test(text) ? Number(text) : -1));
  if (positions.includes(-1)) throw drawError(samples);
  const beyond = positions.filter((index) => index >= labels.length);
  if (beyond.length > 0)
    throw dataError(spec, {
      code: "E_DATA_DRAW",
      where: "--samples",
      expected: `positions from 0 to ${labels.length - 1}`,
      got: beyond.join(", "),
    });
  return [...new Set(positions)];
}

function drawError(got: string): Error {
  return dataError("--samples", {
    code: "E_DATA_DRAW",
    expected: "a number from 1, all, first:N, or index:17,18",
    got,
  });
}

/** Units that stay together (groups, or single samples), shuffled, by class; a group counts to the class of its first sample. */
function byClass(dataset: Drawable, rng: Rng): Map<number, number[][]> {
  const units = new Map<string | number, number[]>();
  dataset.labels.forEach((_, index) => {
    const key = dataset.groups?.[index] ?? index;
    const unit = units.get(key);
    if (unit === undefined) units.set(key, [index]);
    else unit.push(index);
  });
  const strata = new Map<number, number[][]>();
  for (const unit of units.values()) {
    const label = dataset.labels[unit[0]!]!;
    strata.set(label, [...(strata.get(label) ?? []), unit]);
  }
  return new Map([...strata].sort(([a], [b]) => a - b).map(([label, list]) => [label, rng.fold(label).shuffle(list)]));
}

/** Adds units to `drawn` while they fit; returns those that did not. */
function take(units: readonly number[][], places: number, drawn: number[]): number[][] {
  let open = places;
  return units.filter((unit) => {
    if (unit.length > open) return true;
    open -= unit.length;
    drawn.push(...unit);
    return false;
  });
}

/** Shares of `places` in proportion to `sizes`, whole numbers that add up to it (method of Hamilton). */
function largestRemainders(sizes: readonly number[], places: number): number[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const exact = sizes.map((size) => (size * places) / total);
  const shares = exact.map(Math.floor);
  const order = exact
    .map((share, i) => ({ i, rest: share - Math.floor(share) }))
    .sort((a, b) => b.rest - a.rest || a.i - b.i);
  const missing = places - shares.reduce((sum, share) => sum + share, 0);
  for (const { i } of order.slice(0, missing)) shares[i]!++;
  return shares;
}
