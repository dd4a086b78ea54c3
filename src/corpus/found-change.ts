import type { Finding } from "../assess/schema.ts";
import { textOf } from "../inputs/index.ts";
import type { FoundEvent } from "./schema.ts";

type Change = Pick<Finding["perturbation"], "magnitude" | "location">;

/** How an input differs from its clean side (a point of attack space), as an event keeps it: how far, and where. */
export function foundChange(
  { magnitude, location }: Change,
  clean: Float32Array,
): Pick<FoundEvent, "distance" | "where"> {
  const { l0, l0Pixels, fields, words, l1, l2, linf } = magnitude;
  const counted = Object.fromEntries(
    Object.entries({ l0Pixels, fields, words }).filter(([, count]) => count !== undefined),
  );
  return { distance: { l0, ...counted, l1, l2, linf }, ...whereOf(location, clean) };
}

/** Of a dense change, which is everywhere, there is no region. */
function whereOf({ energyMap, fields, edits, kind }: Change["location"], clean: Float32Array) {
  if (edits !== undefined && edits.length > 0) {
    const length = [...textOf(clean)].length;
    const told = edits.map((edit) => `${edit.kind}, ${thirdOf(edit.start, length)}`);
    return { where: { edits: [...new Set(told)].sort() } };
  }
  if (fields !== undefined && fields.length > 0)
    return { where: { fields: fields.map(({ name, index }) => (name ?? String(index)).slice(0, 100)) } };
  return energyMap === undefined || kind === "dense" ? {} : { where: { region: mostChanged(energyMap).region } };
}

function thirdOf(start: number, length: number): string {
  return ["beginning", "middle", "end"][Math.min(2, Math.floor((3 * start) / Math.max(1, length)))]!;
}

/** Regions in a row and in a column. */
const REGIONS = 4;

/** Of a grid of 4 by 4: the region with most of the squared change, and its share of it. */
export function mostChanged(energyMap: readonly (readonly number[])[]): { region: string; share: number } {
  const shares = new Map<string, number>();
  for (const [i, row] of energyMap.entries())
    for (const [j, share] of row.entries()) {
      const [down, across] = [Math.floor((REGIONS * i) / energyMap.length), Math.floor((REGIONS * j) / row.length)];
      const region = `row ${down + 1}, column ${across + 1}`;
      shares.set(region, (shares.get(region) ?? 0) + share);
    }
  const [region, share] = [...shares].sort(([, a], [, b]) => b - a)[0]!;
  return { region, share };
}
