import { internalError } from "../base/errors.ts";
import type { RowSpace } from "../inputs/row/row-space.ts";
import { digitsOf, keepingFields, nearerNumbers, rounderNumbers } from "../inputs/row/shrink.ts";
import type { Atoms } from "./atoms.ts";
import { keptOf } from "./atoms.ts";
import type { Guarantee, Rank, Search, Strategy, Subject } from "./search.ts";
import { neededAtoms } from "./subsets.ts";

/** Costs that differ by less than this are alike to a person: then the rounder numbers win. A share of one field's range at cost 1. */
const ALIKE = 0.01;
/** Rounds of shrinking numbers: one that is smaller may let another be. */
const ROUNDS = 3;

function spaceOf({ threat }: Subject): RowSpace {
  if (threat.rows === undefined) throw internalError("rows without a schema");
  return threat.rows.space;
}

/** The changed fields; those that are kept bring along what follows from them. */
function fieldAtoms(space: RowSpace, clean: Int32Array, wrong: Int32Array): Atoms {
  const fields = space.changed(wrong, clean);
  return {
    count: fields.length,
    sizes: fields.map((f) => space.fields[f]!.cost * space.shift(f, clean[f]!, wrong[f]!)),
    keeping: (kept) =>
      space.point(
        keepingFields(
          space,
          wrong,
          clean,
          keptOf(kept).map((atom) => fields[atom]!),
        ),
      ),
  };
}

/** Changed fields; what they cost, alike costs as one; digits; what they cost. */
function rank(x: Float32Array, subject: Subject): Rank {
  const space = spaceOf(subject);
  const [levels, clean] = [space.levels(x), space.levels(subject.clean)];
  const cost = space.cost(levels, clean);
  return [space.changed(levels, clean).length, Math.ceil(cost / ALIKE), digitsOf(space, levels, clean), cost];
}

/** The smallest set of fields, then each number as near to its clean value as it may be, then as round as it may be. */
async function run(search: Search): Promise<Guarantee> {
  const space = spaceOf(search.subject);
  const clean = space.levels(search.subject.clean);
  const keeps = (levels: Int32Array) => search.keeps(space.point(levels));
  const { guarantee } = await neededAtoms(search, fieldAtoms(space, clean, space.levels(search.subject.wrong)));
  for (let round = 0; round < ROUNDS; round++) {
    const before = search.best;
    await nearerNumbers(space, space.levels(search.best), clean, keeps);
    if (search.best === before) break;
  }
  await rounderNumbers(space, space.levels(search.best), clean, keeps);
  return guarantee;
}

/** Fields of a row, in its user's terms. */
export const rows: Strategy = { name: "rows", rank, run };
