import { type Image, requireImages } from "./image.ts";

/** Cells of the map at most, along each side. */
const GRID = 8;

/** Top, left, bottom, right; the last two exclusive. */
export type Box = [top: number, left: number, bottom: number, right: number];

/** The squared change of each pixel, summed over its channels: [height, width], float64. Throws `E_INPUT_SHAPE`. */
export function pixelEnergy(x: Image, x0: Image, dims: readonly number[]): Float64Array {
  const [height, width, channels] = requireImages(dims, x, x0);
  const energy = new Float64Array(height * width);
  for (let i = 0, pixel = 0; pixel < energy.length; pixel++)
    for (let channel = 0; channel < channels; channel++, i++) energy[pixel]! += (x[i]! - x0[i]!) ** 2;
  return energy;
}

/** The cells of the map over an image: 8 by 8, or one for each row or column of a smaller image. */
export function gridCells(height: number, width: number): Box[][] {
  const rows = Math.min(GRID, height);
  const columns = Math.min(GRID, width);
  const edge = (i: number, cells: number, size: number) => Math.floor((i * size) / cells);
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column): Box => {
      const corner = (down: number, across: number): [number, number] => [
        edge(row + down, rows, height),
        edge(column + across, columns, width),
      ];
      return [...corner(0, 0), ...corner(1, 1)];
    }),
  );
}

/** Share of the energy in each cell of the grid, row by row; all 0 where there is none. */
export function energyMap(energy: Float64Array, height: number, width: number): number[][] {
  const total = energy.reduce((a, b) => a + b, 0);
  return gridCells(height, width).map((row) =>
    row.map((cell) => (total === 0 ? 0 : boxEnergy(energy, width, cell) / total)),
  );
}

/** Energy inside a box. */
export function boxEnergy(energy: Float64Array, width: number, [top, left, bottom, right]: Box): number {
  let sum = 0;
  for (let row = top; row < bottom; row++)
    for (let column = left; column < right; column++) sum += energy[row * width + column]!;
  return sum;
}
