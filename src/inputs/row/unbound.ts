import { Rng } from "../../base/rng.ts";
import type { Relation } from "./relation.ts";
import type { Levels, RowSpace } from "./row-space.ts";

/** Rows that are tried, and for each so many random changes of all fields of a relation together. */
const ROWS = 24;
const DRAWS = 64;

/**
 * Relations that bind nobody: no value that was tried of the fields that they speak of, alone at the ends of its reach or together at random, breaks them from one of
 * these rows. A search, not a proof: one that breaks at a few values only may be among them.
 */
export function unboundRelations(space: RowSpace, rows: readonly Levels[]): Relation[] {
  const every = Math.ceil(rows.length / ROWS);
  const tried = rows.filter((_, i) => i % every === 0);
  return space.schema.relations.filter((relation, index) => {
    const rng = Rng.of(0).fold("unbound").fold(index);
    return !tried.some((clean) => isBroken(space, relation, clean, rng));
  });
}

function isBroken(space: RowSpace, relation: Relation, clean: Levels, rng: Rng): boolean {
  const reaches = relation.fields.map((f) => [f, ...space.reach(f, clean[f]!)] as const);
  const breaks = (changes: readonly (readonly [field: number, level: number])[]): boolean => {
    const row = Int32Array.from(clean);
    for (const [f, level] of changes) row[f] = level;
    return !space.keeps(row, relation);
  };
  if (reaches.some(([f, first, last]) => breaks([[f, first]]) || breaks([[f, last]]))) return true;
  for (let draw = 0; draw < DRAWS; draw++)
    if (breaks(reaches.map(([f, first, last]) => [f, first + rng.integer(last - first + 1)]))) return true;
  return false;
}
