/**
 * RayS: a ray searching method for hard-label adversarial attack (Chen, Gu 2020), arXiv:2006.12792, algorithms 1 to 3.
 * Reference settings: tolerance 0.001 of the L2 length along the ray; 10,000 queries (40,000 in their tables).
 *
 * Differences from the authors' code: coordinates that a mask protects take no part in the direction; a targeted goal is only as likely to be reached as
 * some corner of the box is of that class. The runner ends the search at the first radius within epsilon.
 */
import { intoBox } from "../../threats/box.ts";
import { defineLabelAttack, type LabelSample } from "../attack.ts";
import { imageDims } from "./window.ts";

export type RaysSettings = {
  readonly queries: number;
  /** Where the search along a ray stops, in L2 length. */
  readonly tolerance: number;
};

/**
 * @param from a point to begin in the direction of, as far as this threat lets it go; without one every coordinate grows
 */
async function search(sample: LabelSample, { queries, tolerance }: RaysSettings, from?: Float32Array): Promise<void> {
  const { x0, threat } = sample;
  const order = channelFirst(sample.dims, x0.length);
  const direction = x0.map((value, i) =>
    threat.mask?.[i] === 0 ? 0 : from !== undefined && from[i]! < value ? -1 : 1,
  );
  const free = direction.reduce((count, one) => count + Math.abs(one), 0);
  const accuracy = tolerance / Math.sqrt(Math.max(free, 1));
  const x = new Float32Array(x0.length);
  let asked = 0;
  /** Radii are L-inf lengths: every coordinate moves by as much. */
  const reaches = (radius: number): Promise<boolean> => {
    asked++;
    for (let i = 0; i < x.length; i++) x[i] = intoBox(x0[i]! + radius * direction[i]!, x0[i]!);
    return sample.misleads(x);
  };

  let best = Number.POSITIVE_INFINITY;
  if (from !== undefined && (await reaches(threat.effectiveEpsilon))) best = threat.effectiveEpsilon;
  for (let level = 0; asked < queries; level++) {
    const size = Math.ceil(x0.length / 2 ** level);
    for (let start = 0; start < x0.length && asked < queries; start += size) {
      flip(direction, order, start, start + size);
      // Fast check: a direction that fails at the best radius is no better (algorithm 3, line 2).
      if (!(await reaches(Number.isFinite(best) ? best : 1))) {
        flip(direction, order, start, start + size);
        continue;
      }
      let low = 0;
      let high = Math.min(best, 1);
      while (high - low > accuracy && asked < queries) {
        const middle = (low + high) / 2;
        if (await reaches(middle)) high = middle;
        else low = middle;
      }
      if (high < best) best = high;
      else flip(direction, order, start, start + size);
    }
  }
}

/** Blocks are runs of coordinates in channel-height-width order, as in the authors' code: the position of each in ours. */
export function channelFirst(dims: readonly number[], size: number): Uint32Array {
  const image = imageDims(dims);
  const channels = image?.channels ?? 1;
  const pixels = size / channels;
  return Uint32Array.from({ length: size }, (_, i) => (i % pixels) * channels + Math.floor(i / pixels));
}

function flip(direction: Float32Array, order: Uint32Array, start: number, end: number): void {
  for (let i = start; i < Math.min(end, order.length); i++) direction[order[i]!]! *= -1;
}

export const rays = defineLabelAttack<RaysSettings>({
  name: "rays",
  summary: "searches the sign of each block of coordinates for the nearest boundary, on labels alone",
  source: "RayS: a ray searching method for hard-label adversarial attack, arXiv:2006.12792",
  defaults: { queries: 2000, tolerance: 0.001 },
  norms: ["linf"],
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  run: (sample, settings) => search(sample, settings),
});

/** From inputs that fooled another version: they themselves, then the corner of the ball that they point at, then the search from there. */
export const raysWarm = defineLabelAttack<RaysSettings>({
  name: "rays-warm",
  summary:
    "searches the nearest boundary on labels alone, in the direction of inputs that fooled another version of the model",
  source: rays.source,
  defaults: { queries: 500, tolerance: 0.001 },
  norms: ["linf"],
  warm: true,
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  async run(sample, settings) {
    for (const start of sample.starts) {
      const from = sample.threat.project(Float32Array.from(start), sample.x0);
      await sample.misleads(from);
      await search(sample, { ...settings, queries: settings.queries - 1 }, from);
    }
  },
});
