import type { Catalog } from "../corpus/catalog.ts";
import type { Corpus } from "../corpus/corpus.ts";
import { CELL_FAMILIES, type CellFamily, type Facet, facetsOf } from "../corpus/facets.ts";
import type { GateResult } from "./schema.ts";

const FAMILIES: ReadonlySet<string> = new Set<CellFamily>(CELL_FAMILIES);

/**
 * What a gate's re-attacks brought: samples that the corpus did not have, and boundary cells that none of its samples covered.
 * @param before the corpus without them
 */
export async function growthOf(
  corpus: Corpus,
  before: Catalog,
  added: Iterable<string>,
): Promise<NonNullable<GateResult["grown"]>> {
  const entries = await Promise.all([...added].map((id) => corpus.find(id)));
  const cells = new Map<string, Facet>();
  for (const facet of entries.flatMap(facetsOf))
    if (FAMILIES.has(facet.name)) cells.set(`${facet.name}\n${facet.value}`, facet);
  return { samples: entries.length, cells: cells.size - before.covered([...cells.values()]).length };
}
