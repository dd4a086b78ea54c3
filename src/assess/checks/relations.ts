import type { Dataset } from "../../data/dataset.ts";
import { unboundRelations } from "../../inputs/row/unbound.ts";
import { readSamples } from "../plan.ts";
import type { Check } from "../schema.ts";

export const RELATIONS_BIND = "relations-bind";

/** Rows that are looked at: relations are about all of them alike. */
const ROWS = 24;

/** Whether the relations of a schema forbid anything. Empty for data without relations. */
export async function relationsCheck(data: Dataset, indices: readonly number[]): Promise<Check[]> {
  const { rows } = data;
  const count = rows?.schema.relations.length ?? 0;
  if (rows === undefined || count === 0) return [];
  const clean = [];
  for await (const { point } of readSamples(data, indices.slice(0, ROWS))) clean.push(rows.levels(point));
  const unbound = unboundRelations(rows, clean);
  if (unbound.length === 0)
    return [{ id: RELATIONS_BIND, status: "pass", detail: `${count} relations, and each is broken by some change` }];
  const listed = unbound.map(({ text }) => `\`${text}\``).join(", ");
  return [
    {
      id: RELATIONS_BIND,
      status: "warn",
      detail: `of ${count} relations, no change that was tried breaks ${listed}`,
      try: "See whether they say what is meant: a relation that always holds forbids the attacker nothing.",
    },
  ];
}
