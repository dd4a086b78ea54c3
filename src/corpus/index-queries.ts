import type { Filter } from "./filter.ts";

const LIVING = "JOIN entry e ON e.id = one.id WHERE e.living = 1";

/** Which inputs of a JSON list living samples have. By a look through the whole index: what is forgotten is rare. */
export const NEEDED = `SELECT DISTINCT digest FROM (
    SELECT json_extract(one.body, '$.input') AS digest FROM sample one ${LIVING}
    UNION ALL SELECT json_extract(one.body, '$.clean') FROM sample one ${LIVING}
    UNION ALL SELECT json_extract(v.body, '$.input') FROM event v JOIN entry e ON e.id = v.sample
      WHERE e.living = 1 AND json_extract(v.body, '$.event') = 'rendered'
  ) WHERE digest IN (SELECT value FROM json_each(?))`;

/** A filter as a condition on a row `e` of `entry`: the same as `matches`. */
export function conditions({ kind, pair, threats, group, trust }: Filter): { where: string; values: string[] } {
  const parts: string[] = [];
  const values: string[] = [];
  const has = (name: string, test: string, ...given: string[]) => {
    parts.push(`EXISTS (SELECT 1 FROM facet f WHERE f.id = e.id AND f.name = '${name}' AND (${test}))`);
    values.push(...given);
  };
  if (trust === undefined) parts.push("e.living = 1");
  else if (trust === "forgotten") parts.push("e.living = 0");
  else has("trust", "f.value = ?", trust);
  if (kind !== undefined) has("kind", "f.value = ?", kind);
  if (group !== undefined) has("group", "f.value = ?", group);
  if (pair?.label != null) has("label", "f.value = ?", pair.label);
  if (pair?.predicted != null) has("predicted", "f.value = ?", pair.predicted);
  if (threats !== undefined)
    has(
      "threat",
      threats.map(() => "f.value = ? OR substr(f.value, 1, length(?) + 1) IN (? || ';', ? || ':')").join(" OR "),
      ...threats.flatMap((asked) => [asked, asked, asked, asked]),
    );
  return { where: parts.join(" AND "), values };
}
