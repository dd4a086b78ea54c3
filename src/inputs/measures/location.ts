import { type Box, energyMap, gridCells, pixelEnergy } from "./energy.ts";
import { type Image, requireImages } from "./image.ts";
import { boxArea, type Region, regionsOf } from "./regions.ts";
import { type Spectrum, spectrum } from "./spectrum.ts";

/** Where an image was changed. */
export type ImageLocation =
  | { readonly kind: "none" }
  | {
      readonly kind: "dense" | "sparse" | "region";
      /** Around all pixels that count. */
      readonly bbox: Box;
      /** Row and column, weighted by the squared change. */
      readonly centroid: [row: number, column: number];
      /** Where most of the squared change is, with its share of it; at most 4, none where it is even. */
      readonly topRegions: readonly { readonly bbox: Box; readonly energyShare: number }[];
      readonly energyMap: number[][];
      readonly spectrum: Spectrum;
    };

/** A pixel counts where one of its channels changed by at least this part of the largest change: floats change everywhere by a little. */
const COUNTS = 1 / 100;
const DENSE = 1 / 4;
const TOP = 4;

/**
 * Kind, by the pixels that count (see `COUNTS`):
 * `none`: nothing changed. `region`: at most 4 patches hold 90 % of their squared change, and their boxes at most half of the image;
 * a patch is a set of touching pixels, at least 2 by 2, that fills more than half of its box. `dense`: else, a quarter of the
 * pixels or more. `sparse`: else.
 *
 * `topRegions` are sets of touching pixels; where the change is dense, cells of the energy map that hold at least twice what they would
 * hold of an even change. Throws `E_INPUT_SHAPE`.
 */
export function locate(x: Image, x0: Image, dims: readonly number[]): ImageLocation {
  const [height, width, channels] = requireImages(dims, x, x0);
  const energy = pixelEnergy(x, x0, dims);
  const total = energy.reduce((a, b) => a + b, 0);
  const frequencies = spectrum(x, x0, dims);
  if (total === 0 || frequencies === null) return { kind: "none" };
  const marked = countingPixels(x, x0, channels);
  const regions = regionsOf(marked, energy, height, width);
  const support = regions.reduce((sum, { pixels }) => sum + pixels, 0) / marked.length;
  const kind = isRegional(regions, marked.length) ? "region" : support >= DENSE ? "dense" : "sparse";
  const map = energyMap(energy, height, width);
  const cells = gridCells(height, width).flatMap((row, i) =>
    row.map((bbox, j) => ({ bbox, energyShare: map[i]![j]! })),
  );
  const top =
    kind === "dense"
      ? cells
          .filter(({ bbox, energyShare }) => energyShare >= (2 * boxArea(bbox)) / marked.length)
          .sort((a, b) => b.energyShare - a.energyShare)
      : regions.map((region) => ({ bbox: region.bbox, energyShare: region.energy / total }));
  return {
    kind,
    bbox: around(regions),
    centroid: centroid(energy, width, total),
    topRegions: top.slice(0, TOP),
    energyMap: map,
    spectrum: frequencies,
  };
}

function countingPixels(x: Image, x0: Image, channels: number): Uint8Array {
  let largest = 0;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]! - x0[i]!));
  const marked = new Uint8Array(x.length / channels);
  for (let i = 0, pixel = 0; pixel < marked.length; pixel++)
    for (let channel = 0; channel < channels; channel++, i++)
      if (Math.abs(x[i]! - x0[i]!) >= COUNTS * largest) marked[pixel] = 1;
  return marked;
}

/** Whether few compact patches hold nearly all of what counts of the change. */
function isRegional(regions: readonly Region[], pixels: number): boolean {
  const patches = regions
    .filter(({ bbox: [top, left, bottom, right] }) => bottom - top >= 2 && right - left >= 2)
    .filter((region) => region.pixels > boxArea(region.bbox) / 2)
    .slice(0, TOP);
  const energyOf = (some: readonly Region[]) => some.reduce((sum, { energy }) => sum + energy, 0);
  const area = patches.reduce((sum, { bbox }) => sum + boxArea(bbox), 0);
  return energyOf(patches) >= 0.9 * energyOf(regions) && area <= pixels / 2;
}

function around(regions: readonly Region[]): Box {
  const side = (i: 0 | 1 | 2 | 3, pick: (a: number, b: number) => number) =>
    regions.map(({ bbox }) => bbox[i]).reduce((a, b) => pick(a, b));
  return [side(0, Math.min), side(1, Math.min), side(2, Math.max), side(3, Math.max)];
}

function centroid(energy: Float64Array, width: number, total: number): [number, number] {
  let row = 0;
  let column = 0;
  for (let pixel = 0; pixel < energy.length; pixel++) {
    row += energy[pixel]! * Math.floor(pixel / width);
    column += energy[pixel]! * (pixel % width);
  }
  return [row / total, column / total];
}
