import type { Corpus } from "../corpus/corpus.ts";
import type { Entry } from "../corpus/entry.ts";
import { CELL_FAMILIES, type CellFamily, facetsOf } from "../corpus/facets.ts";
import type { GateCase, GateResult } from "./schema.ts";

const FAMILIES: ReadonlySet<string> = new Set<CellFamily>(CELL_FAMILIES);

/** What a gate's re-attacks brought: samples that the corpus did not have, and boundary cells that none of its samples covered. */
export async function growthOf(
  corpus: Corpus,
  before: readonly Entry[],
  cases: readonly GateCase[],
): Promise<NonNullable<GateResult["grown"]>> {
  const known = new Set(before.map(({ id }) => id));
  const stored = new Set(cases.flatMap(({ attacked }) => attacked?.child ?? []));
  const added = await Promise.all([...stored].filter((id) => !known.has(id)).map((id) => corpus.find(id)));
  const cells = new Set(added.flatMap(cellsOf));
  // Few are new: what all the others cover need not be kept.
  for (const entry of cells.size === 0 ? [] : before) for (const cell of cellsOf(entry)) cells.delete(cell);
  return { samples: added.length, cells: cells.size };
}

function cellsOf(entry: Entry): string[] {
  return facetsOf(entry).flatMap(({ name, value }) => (FAMILIES.has(name) ? [`${name}\n${value}`] : []));
}
