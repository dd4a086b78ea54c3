import { differenceHash, energyMap, pixelEnergy } from "../inputs/measures/index.ts";
import type { Corpus } from "./corpus.ts";
import { mostChanged } from "./found-change.ts";
import type { Manifest } from "./schema.ts";

/** What can only be told of an image by looking at it; a function of its content, so it never changes. */
export interface Sketch {
  /** Perceptual hash of the clean side, or of the input itself where there is none; null of a flat picture. */
  readonly seed: string | null;
  /** How it was changed, coarsely: how much of it, where, and whether it became brighter. */
  readonly change: string;
}

/** From this share of the pixels on a change is everywhere. */
const DENSE = 1 / 4;
/** A region holds the change, or the sum of the change has a direction, from these shares on. */
const MOST = 1 / 2;
const ONE_WAY = 1 / 3;

/** Null where an input is missing or damaged. */
export async function sketchOf(corpus: Corpus, manifest: Manifest): Promise<Sketch | null> {
  const read = async (digest: string) => {
    const one = await corpus.readInput(manifest, digest);
    return one.state === "good" ? one.value : null;
  };
  const input = await read(manifest.input);
  const clean = manifest.clean === null ? null : await read(manifest.clean);
  if (input === null || (clean === null && manifest.clean !== null)) return null;
  return {
    seed: differenceHash(clean ?? input, manifest.dims),
    change: clean === null ? "none" : changeOf(input, clean, manifest.dims),
  };
}

function changeOf(input: Float32Array, clean: Float32Array, dims: readonly number[]): string {
  const energy = pixelEnergy(input, clean, dims);
  const [height, width] = dims as [number, number];
  const changed = energy.reduce((count, one) => count + Number(one > 0), 0);
  if (changed === 0) return "none";
  const { region, share } = mostChanged(energyMap(energy, height, width));
  let [sum, size] = [0, 0];
  for (const [i, value] of input.entries()) {
    sum += value - clean[i]!;
    size += Math.abs(value - clean[i]!);
  }
  const way = sum > ONE_WAY * size ? "brighter" : sum < -ONE_WAY * size ? "darker" : "both ways";
  return [changed >= DENSE * energy.length ? "dense" : "sparse", share >= MOST ? region : "spread", way].join(", ");
}
