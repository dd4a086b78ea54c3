import type { Rng } from "../../base/rng.ts";
import { type Levels, RowSpace } from "./row-space.ts";
import { type RowField, readRowSchema } from "./schema.ts";

const CHANGES = ["any", "any", "any", "increase", "decrease", "none"] as const;

/** A schema of three to five small fields of all types, and one relation that some rows keep and others break. */
export function randomSchema(rng: Rng): { readonly space: RowSpace; readonly legal: readonly Levels[] } {
  for (;;) {
    const fields = Array.from({ length: 3 + rng.integer(3) }, (_, i) => randomField(rng, `f${i}`));
    const relation = randomRelation(rng, fields);
    const json = { schema: "blindspot-rows/1", fields, relations: [relation] };
    const space = new RowSpace(readRowSchema(json, relation));
    const rows = allRows(space);
    const legal = rows.filter((row) => space.broken(row) === null);
    if (legal.length > 3 && legal.length < rows.length) return { space, legal };
  }
}

/** Every row of a schema, by counting. */
export function allRows(space: RowSpace): Levels[] {
  let rows: number[][] = [[]];
  for (const { levels } of space.fields)
    rows = rows.flatMap((row) => Array.from({ length: levels }, (_, level) => [...row, level]));
  return rows.map((row) => Int32Array.from(row));
}

function randomField(rng: Rng, name: string): RowField {
  const change = CHANGES[rng.integer(CHANGES.length)]!;
  const cost = [0.5, 1, 3][rng.integer(3)]!;
  const fixed = change === "none" ? "none" : "any";
  switch (rng.integer(5)) {
    case 0:
      return { name, type: "integer", min: -1, max: 1 + rng.integer(4), change, cost };
    case 1:
      return { name, type: "number", min: 0.5, max: 2, step: [0.25, 0.5][rng.integer(2)]!, change, cost };
    case 2:
      return { name, type: "boolean", change };
    case 3:
      return { name, type: "category", values: ["x", "y", "z"], encoding: "one-hot", change: fixed, cost };
    default:
      return { name, type: "category", values: [4, 1, 7], change: fixed };
  }
}

function randomRelation(rng: Rng, fields: readonly RowField[]): string {
  const isText = (field: RowField) => field.type === "category" && typeof field.values[0] === "string";
  const condition = (field: RowField): string => {
    if (isText(field)) return `${field.name} ${["==", "!="][rng.integer(2)]} '${"xyz"[rng.integer(3)]}'`;
    return `${field.name} ${["<=", ">", "==", "!="][rng.integer(4)]} ${rng.integer(3)}`;
  };
  const [a, b, c] = rng.shuffle([...fields]);
  const numbers = fields.filter((field) => !isText(field)).map(({ name }) => name);
  switch (rng.integer(4)) {
    case 0:
      return `if ${condition(a!)} then ${condition(b!)}`;
    case 1:
      return `${condition(a!)} or ${condition(b!)} and not (${condition(c!)})`;
    case 2:
      return numbers.length < 2 ? condition(a!) : `${numbers[0]} + ${numbers[1]} <= ${1 + rng.integer(3)}`;
    default:
      return numbers.length < 3 ? condition(a!) : `${numbers[0]} == ${numbers[1]} + ${numbers[2]}`;
  }
}
