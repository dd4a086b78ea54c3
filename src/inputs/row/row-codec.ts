import { BlindspotError, type Problem } from "../../base/errors.ts";
import type { Codec, FieldChange } from "../codec.ts";
import type { FieldValue } from "../field.ts";
import { pointProblem, requirePoint, withHeader } from "../points.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { Levels, RowSpace } from "./row-space.ts";

/**
 * Rows of a schema: a point has one coordinate for each number that the model takes. Stored as, and identified by, the canonical JSON of what a
 * user would submit.
 */
export function rowCodec(space: RowSpace): Codec {
  const check = (point: Float32Array): string | null => pointProblem(point, space.size, false) ?? illegal(space, point);
  const json = (point: Float32Array): Uint8Array => {
    requirePoint(check(point), "row");
    return new TextEncoder().encode(canonicalJson(space.record(space.levels(point))));
  };
  return {
    modality: "row",
    dims: [space.size],
    size: space.size,
    quantize: "none",
    check,
    canonical: (point) => withHeader("row json", json(point)),
    encode: async (point) => ({ bytes: json(point), extension: "json" }),
    decode: async (bytes) => space.point(readRecord(space, bytes)),
    fieldChanges: (x, x0) => fieldChanges(space, x, x0),
  };
}

/** The field that is no legal value, or the relation that is broken; null for a legal row. */
function illegal(space: RowSpace, point: Float32Array): string | null {
  const levels = space.levels(point);
  const legal = space.point(levels);
  const at = point.findIndex((value, i) => value !== legal[i]);
  if (at >= 0) {
    const field = space.starts.findLastIndex((start) => start <= at);
    return `${space.fields[field]!.name} is not ${space.fields[field]!.legal}`;
  }
  const broken = space.broken(levels);
  return broken === null ? null : `breaks ${broken}`;
}

/** The changed fields of x, dearest first. */
function fieldChanges(space: RowSpace, x: Float32Array, x0: Float32Array): FieldChange[] {
  const [to, from] = [space.levels(x), space.levels(x0)];
  const size = (f: number) => space.fields[f]!.cost * space.shift(f, from[f]!, to[f]!);
  return space
    .changed(to, from)
    .sort((a, b) => size(b) - size(a) || a - b)
    .map((index) => {
      const { name, value } = space.fields[index]!;
      return { index, name, from: value(from[index]!), to: value(to[index]!) };
    });
}

/** Reads a row as it is stored: one legal value for each field, nothing else. All that is wrong is said at once. */
function readRecord(space: RowSpace, bytes: Uint8Array): Levels {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new BlindspotError(
      { code: "E_INPUT_TYPE", subject: "row input", expected: "JSON in UTF-8" },
      { cause: error },
    );
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new BlindspotError({ code: "E_INPUT_TYPE", subject: "row input", expected: "a JSON object" });
  const record = json as Readonly<Record<string, unknown>>;
  const problems: Problem[] = [];
  const levels = Int32Array.from(space.fields, (field) => {
    const given = Object.hasOwn(record, field.name) ? record[field.name] : undefined;
    const level = isFieldValue(given) ? field.parse(String(given)) : null;
    if (level === null)
      problems.push({
        code: "E_INPUT_VALUE",
        subject: "row input",
        where: field.name,
        expected: field.legal,
        got: JSON.stringify(given) ?? "nothing",
      });
    return level ?? 0;
  });
  const known = new Set(space.fields.map(({ name }) => name));
  for (const name of Object.keys(record).filter((key) => !known.has(key)))
    problems.push({ code: "E_INPUT_VALUE", subject: "row input", where: name, expected: "only fields of the schema" });
  if (problems.length > 0) throw new BlindspotError(problems);
  return levels;
}

function isFieldValue(value: unknown): value is FieldValue {
  return ["number", "string", "boolean"].includes(typeof value);
}
