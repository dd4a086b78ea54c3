import { inUserUnits } from "../../inputs/field.ts";
import { plainPng } from "../../inputs/png.ts";
import { toLevels } from "../../inputs/points.ts";
import type { RowForms } from "../../models/queried/json-template.ts";
import type { Sent } from "./sent.ts";

/** How a template can send rows of this data, besides as numbers. */
export function rowForms(sent: Sent): RowForms {
  return { record: recordOf(sent), image: sent.quantize === "uint8" ? imageOf(sent) : null };
}

/** Rows by the names of their fields, in the user's own units; null where the data has no names for all of them. */
function recordOf({ rows, fields }: Sent): RowForms["record"] {
  if (rows !== undefined) return (point) => rows.record(rows.levels(point));
  const names = fields?.flatMap(({ name }) => name ?? []) ?? [];
  if (fields === undefined || names.length < fields.length) return null;
  return (point) => Object.fromEntries(fields.map((field, i) => [names[i]!, inUserUnits(field, point[i]!)]));
}

/** The image that a file of this point holds. PNG alone: what JPEG changes is what an attack has put there. */
function imageOf({ modality, dims: [height = 0, width = 0, channels = 0] }: Sent): RowForms["image"] {
  if (modality !== "image" || (channels !== 1 && channels !== 3)) return null;
  return async (point) => {
    const file = await plainPng.encode({ data: toLevels(point), height, width, channels });
    return Buffer.from(file).toString("base64");
  };
}
