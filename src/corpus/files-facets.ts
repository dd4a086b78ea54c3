import type { Entry } from "./entry.ts";
import { CELL_FAMILIES, facetsOf } from "./facets.ts";
import type { Tables } from "./files-tables.ts";

const FAMILIES = CELL_FAMILIES.map((family) => `'${family}'`).join(", ");
const IN_PAGE = "id IN (SELECT value FROM json_each(?))";

/**
 * Writes anew what these samples are counted by: the counts and the first sample of each cell follow, by what changed alone. After their rows of `entry`.
 * @param ids also of samples that are gone
 */
export function writeFacets(tables: Tables, ids: readonly string[], entries: readonly Entry[]): void {
  const page = JSON.stringify(ids);
  const leaderless = tables.rows(`DELETE FROM first_in_cell WHERE ${IN_PAGE} RETURNING name, value`, [page]);
  count(tables, page, -1);
  tables.run(`DELETE FROM facet WHERE ${IN_PAGE}`, [page]);
  tables.insert(
    "facet (name, value, id)",
    entries.flatMap((entry) => facetsOf(entry).map(({ name, value }) => [name, value, entry.id])),
  );
  count(tables, page, 1);
  tables.run("DELETE FROM facet_count WHERE samples = 0");
  findFirst(tables, `INDEXED BY facet_id WHERE f.${IN_PAGE}`, page);
  if (leaderless.length === 0) return;
  const cells = "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)";
  findFirst(tables, `WHERE (f.name, f.value) IN (${cells})`, JSON.stringify(leaderless));
}

function count(tables: Tables, page: string, sign: 1 | -1): void {
  tables.run(
    `INSERT INTO facet_count SELECT name, value, ? * COUNT(*) FROM facet WHERE ${IN_PAGE} GROUP BY name, value
     ON CONFLICT (name, value) DO UPDATE SET samples = samples + excluded.samples`,
    [sign, page],
  );
}

/** Who covered a cell first, of some facets and of who was known before. */
function findFirst(tables: Tables, some: string, values: string): void {
  // Of the row with the least time SQLite takes the other columns, too.
  const cells = `SELECT f.name AS name, f.value AS value, f.id AS id FROM facet f ${some} AND f.name IN (${FAMILIES})`;
  // Of the row with the least time SQLite takes the other columns, too.
  const firsts = `SELECT name, value, e.id AS id, since, model, MIN(since || e.id) FROM (${cells}) c JOIN entry e ON e.id = c.id GROUP BY name, value`;
  tables.run(
    `INSERT INTO first_in_cell (name, value, id, since, model) SELECT name, value, id, since, model FROM (${firsts}) WHERE true
     ON CONFLICT (name, value) DO UPDATE SET id = excluded.id, since = excluded.since, model = excluded.model
     WHERE excluded.since || excluded.id < since || id`,
    [values],
  );
}
