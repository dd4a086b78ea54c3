import type { Box } from "./energy.ts";

/** Pixels that touch one another. */
export interface Region {
  readonly bbox: Box;
  readonly pixels: number;
  /** Squared change inside it. */
  readonly energy: number;
}

/** The 8-connected components of the marked pixels of [height, width], most energy first. */
export function regionsOf(marked: Uint8Array, energy: Float64Array, height: number, width: number): Region[] {
  const left = marked.slice();
  const stack = new Int32Array(marked.length);
  const regions: Region[] = [];
  for (let start = 0; start < left.length; start++) {
    if (left[start] === 0) continue;
    const box: Box = [height, width, 0, 0];
    let pixels = 0;
    let sum = 0;
    let depth = 0;
    stack[depth++] = start;
    left[start] = 0;
    while (depth > 0) {
      const pixel = stack[--depth]!;
      const row = Math.floor(pixel / width);
      const column = pixel % width;
      pixels++;
      sum += energy[pixel]!;
      grow(box, row, column);
      for (let down = Math.max(0, row - 1); down <= Math.min(height - 1, row + 1); down++)
        for (let across = Math.max(0, column - 1); across <= Math.min(width - 1, column + 1); across++) {
          const neighbor = down * width + across;
          if (left[neighbor] === 0) continue;
          left[neighbor] = 0;
          stack[depth++] = neighbor;
        }
    }
    regions.push({ bbox: box, pixels, energy: sum });
  }
  return regions.sort((a, b) => b.energy - a.energy);
}

function grow(box: Box, row: number, column: number): void {
  box[0] = Math.min(box[0], row);
  box[1] = Math.min(box[1], column);
  box[2] = Math.max(box[2], row + 1);
  box[3] = Math.max(box[3], column + 1);
}

/** Pixels in a box. */
export function boxArea([top, left, bottom, right]: Box): number {
  return (bottom - top) * (right - left);
}
