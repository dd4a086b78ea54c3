import { pooled } from "../base/pooled.ts";
import { type Grouping, groupsIn, type Likeness, type Seen } from "./alike.ts";
import type { Corpus } from "./corpus.ts";
import type { Tables } from "./files-tables.ts";
import type { Manifest } from "./schema.ts";
import { sketchOf } from "./sketch.ts";

/** Beside the other tables of the index: likenesses follow the entries, sketches are made once, the groups of a key when they are asked for after a change of it. */
export const ALIKE_TABLES = `
  CREATE TABLE IF NOT EXISTS likeness (id TEXT PRIMARY KEY, key TEXT, seed TEXT, size REAL, image INTEGER) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS likeness_key ON likeness (key);
  CREATE TABLE IF NOT EXISTS sketch (id TEXT PRIMARY KEY, seed TEXT, change TEXT) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS alike (id TEXT PRIMARY KEY, leader TEXT, place INTEGER, suspicious INTEGER, key TEXT) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS alike_key ON alike (key);
  CREATE TABLE IF NOT EXISTS grouped (key TEXT PRIMARY KEY) WITHOUT ROWID;
`;

/** Pictures that are read at once, and written at once. */
const PARALLEL = 16;
const PAGE = 500;

/** What is grouped anew: keys that changed since, all or that of one sample. */
const CHANGED = "key NOT IN (SELECT key FROM grouped)";
const OF_ONE = "key = (SELECT key FROM likeness WHERE id = ?)";
/** From so many samples on the size of the corpus has no say in what counts as a group (`groupsIn`). */
const SIZE_COUNTS_BELOW = 125;

/** Samples whose groups are not known: they came, or others of their key did. */
export function notGrouped({ rows }: Tables): number {
  return Number(rows(`SELECT COUNT(*) FROM likeness WHERE ${CHANGED}`)[0]![0]);
}

/**
 * Brings the table `alike` up to date, unless nothing changed.
 * @param of a sample: only what it may be like
 */
export async function regroup(
  tables: Tables,
  corpus: Corpus,
  onRead: (done: number, of: number) => void = () => {},
  of: string | null = null,
): Promise<void> {
  const samples = Number(tables.rows("SELECT COUNT(*) FROM entry WHERE living = 1")[0]![0]);
  if (samples < SIZE_COUNTS_BELOW) tables.run("DELETE FROM grouped");
  const asked = of === null ? [] : [of];
  const where = of === null ? CHANGED : `${CHANGED} AND ${OF_ONE}`;
  const keys = tables.rows(`SELECT DISTINCT key FROM likeness WHERE ${where}`, asked).map(([key]) => String(key));
  const gone = "FROM alike WHERE key NOT IN (SELECT key FROM likeness)";
  if (keys.length === 0 && tables.rows(`SELECT 1 ${gone} LIMIT 1`).length === 0) return;
  await lookAtNew(tables, corpus, where, asked, onRead);
  tables.atOnce(() => {
    tables.run(`DELETE ${gone}`);
    writeGroups(tables, keys, samples);
  });
}

function writeGroups(tables: Tables, keys: readonly string[], samples: number): void {
  const asked = JSON.stringify(keys);
  tables.run("DELETE FROM alike WHERE key IN (SELECT value FROM json_each(?))", [asked]);
  let page: [string, string, number, number, string][] = [];
  for (const bucket of buckets(tables, asked)) {
    const { groups, suspicious } = groupsIn(bucket, samples);
    for (const [i, kind] of [groups, suspicious].entries())
      for (const { leader, members } of kind)
        page.push(...members.map((id, at): (typeof page)[0] => [id, leader, at, i, bucket[0]!.key]));
    if (page.length < PAGE) continue;
    tables.insert("alike (id, leader, place, suspicious, key)", page);
    page = [];
  }
  tables.insert("alike (id, leader, place, suspicious, key)", page);
  tables.run("INSERT OR REPLACE INTO grouped SELECT value FROM json_each(?)", [asked]);
}

/** Sketches of images that have none, and share their key with others. What is damaged is looked at again the next time. */
async function lookAtNew(
  { rows, insert }: Tables,
  corpus: Corpus,
  where: string,
  asked: readonly string[],
  onRead: (done: number, of: number) => void,
) {
  const unseen = rows(
    `SELECT id FROM likeness WHERE image = 1 AND ${where} AND key IN (SELECT key FROM likeness GROUP BY key HAVING COUNT(*) > 1)
     AND id NOT IN (SELECT id FROM sketch)`,
    asked,
  ).map(([id]) => String(id));
  for (let at = 0; at < unseen.length; at += PAGE) {
    const page = JSON.stringify(unseen.slice(at, at + PAGE));
    const manifests = rows("SELECT body FROM sample WHERE id IN (SELECT value FROM json_each(?))", [page]).map(
      ([body]) => JSON.parse(String(body)) as Manifest,
    );
    const made = await pooled(manifests, PARALLEL, async (manifest) => {
      const sketch = await sketchOf(corpus, manifest);
      return sketch === null ? [] : [[manifest.id, sketch.seed, sketch.change]];
    });
    insert("sketch (id, seed, change)", made.flat());
    onRead(Math.min(at + PAGE, unseen.length), unseen.length);
  }
}

/** Samples of one key after those of the other: never all of them at once. */
function* buckets({ rows }: Tables, keys: string): Generator<Seen[]> {
  for (const [key] of rows(
    "SELECT key FROM likeness WHERE key IN (SELECT value FROM json_each(?)) GROUP BY key HAVING COUNT(*) > 1",
    [keys],
  ))
    yield rows(
      `SELECT l.id, l.seed, l.size, l.image, s.seed, s.change FROM likeness l LEFT JOIN sketch s ON s.id = l.id WHERE l.key = ?`,
      [String(key)],
    ).map(([id, seed, size, image, hash, change]) => ({
      id: String(id),
      key: String(key),
      seed: String(seed),
      size: Number(size),
      image: image === 1,
      sketch: change === null ? null : { seed: hash === null ? null : String(hash), change: String(change) },
    }));
}

/** The groups as they were found: all, or those of the key of one sample. */
export function groupingIn({ rows }: Tables, one: string | null = null): Grouping {
  const where = one === null ? "" : `AND ${OF_ONE}`;
  const of = (suspicious: number) => {
    const members = new Map<string, string[]>();
    for (const [id, leader] of rows(
      `SELECT id, leader FROM alike WHERE suspicious = ? ${where} ORDER BY leader, place`,
      [suspicious, ...(one === null ? [] : [one])],
    ))
      members.get(String(leader))?.push(String(id)) ?? members.set(String(leader), [String(id)]);
    return [...members].map(([leader, ids]) => ({ leader, members: ids }));
  };
  return { groups: of(0), suspicious: of(1) };
}

/** Forgets what these samples looked like, before their likenesses are written anew; a sketch stays where the sample does. */
export function writeLikenesses(
  { run, insert }: Tables,
  ids: readonly string[],
  likenesses: readonly Likeness[],
): void {
  const asked = JSON.stringify(ids);
  const changed = `DELETE FROM grouped WHERE key IN
    (SELECT key FROM likeness WHERE id IN (SELECT value FROM json_each(?)))`;
  run(changed, [asked]);
  run("DELETE FROM likeness WHERE id IN (SELECT value FROM json_each(?))", [asked]);
  insert(
    "likeness (id, key, seed, size, image)",
    likenesses.map(({ id, key, seed, size, image }) => [id, key, seed, size, Number(image)]),
  );
  run("DELETE FROM sketch WHERE id IN (SELECT value FROM json_each(?)) AND id NOT IN (SELECT id FROM likeness)", [
    asked,
  ]);
  run(changed, [asked]);
}
