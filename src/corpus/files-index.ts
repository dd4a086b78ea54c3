import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Grouping } from "./alike.ts";
import { canonicalText } from "./canonical-json.ts";
import { byId, type Catalog, type Leaders, type Listed, type PairCount } from "./catalog.ts";
import type { Contents, Corpus, FileProblem } from "./corpus.ts";
import type { Entry, Trust } from "./entry.ts";
import type { Counts, Facet, FacetName } from "./facets.ts";
import { ALIKE_TABLES, groupingIn, notGrouped, regroup } from "./files-alike.ts";
import { entriesOf, entriesWhere, SAMPLE_TABLES } from "./files-entries.ts";
import { IndexedNotes, NOTE_TABLES } from "./files-notes.ts";
import { Refresh } from "./files-refresh.ts";
import { isDatabaseError, removeTables, Tables } from "./files-tables.ts";
import type { Filter } from "./filter.ts";
import { conditions, NEEDED } from "./index-queries.ts";
import { SHARDS } from "./layout.ts";
import type { Notes } from "./notes.ts";
import { type FirstInCell, modelsOf, ordered, statisticsOf } from "./statistics.ts";

/** Beside the corpus's own folders; ignores itself in git. Another layout of the tables is another file. */
const FOLDER = ".index";
const FILE = "corpus-6.sqlite";
/** Of earlier layouts: `reindex` removes them. */
const EARLIER = ["corpus-1.sqlite", "corpus-2.sqlite", "corpus-3.sqlite", "corpus-4.sqlite", "corpus-5.sqlite"];
/** What is asked of the database at once. */
const PAGE = 500;

/** The index of a corpus in a folder of the disk. It holds nothing that the files don't: without it the answers are the same, and slower. */
export class CorpusIndex implements Catalog {
  private readonly corpus: Corpus;
  private readonly tables: Tables;

  private constructor(corpus: Corpus, tables: Tables) {
    this.corpus = corpus;
    this.tables = tables;
  }

  /**
   * Opens the index and brings it up to date: only folders that changed are looked at, only files that are new are read. Null where it can't be
   * written, or the disk is full. One that is damaged is made anew.
   * @param onShard after each of 256 parts
   */
  static async open(corpus: Corpus, directory: string, onShard?: (done: number) => void): Promise<CorpusIndex | null> {
    const folder = join(directory, FOLDER);
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, ".gitignore"), "*\n");
    } catch {
      return null;
    }
    for (const attempt of ["as it is", "anew"]) {
      let tables: Tables | undefined;
      try {
        tables = new Tables(join(folder, FILE), SAMPLE_TABLES + ALIKE_TABLES + NOTE_TABLES);
        await new Refresh(tables, corpus).all(directory, onShard);
        return new CorpusIndex(corpus, tables);
      } catch (error) {
        tables?.close();
        if (!isDatabaseError(error)) throw error;
        if (attempt === "as it is") await CorpusIndex.remove(directory);
      }
    }
    return null;
  }

  /** Removes the index; the next question makes it anew. */
  static async remove(directory: string): Promise<void> {
    for (const file of [FILE, ...EARLIER]) await removeTables(join(directory, FOLDER, file));
  }

  close(): void {
    this.tables.close();
  }

  get samples(): number {
    return this.tables.number("SELECT COUNT(*) FROM entry");
  }

  get problems(): readonly FileProblem[] {
    return this.tables.rows("SELECT path, said FROM odd WHERE damaged = 1 ORDER BY path").map(([path, problem]) => ({
      path: String(path),
      problem: String(problem),
    }));
  }

  get notUnderstood(): readonly string[] {
    const odd = this.tables.rows("SELECT path, said FROM odd WHERE damaged = 0");
    return odd.map(([path, schema]) => `${path} (${schema})`).sort();
  }

  classes(): ReadonlySet<string> {
    return new Set([...this.counts("label"), ...this.counts("predicted")].map(({ name }) => name));
  }

  list(filter: Filter, limit: number | null): Listed {
    const { where, values } = conditions(filter);
    const total = this.tables.number(`SELECT COUNT(*) FROM entry e WHERE ${where}`, values);
    const ids = this.tables
      .rows(`SELECT id FROM entry e WHERE ${where} ORDER BY since DESC, id LIMIT ${limit ?? -1}`, values)
      .map(([id]) => String(id));
    return { total, entries: this.entries(ids) };
  }

  needed(inputs: readonly string[]): ReadonlySet<string> {
    return new Set(this.tables.rows(NEEDED, [JSON.stringify(inputs)]).map(([digest]) => String(digest)));
  }

  counts(name: FacetName): Counts {
    return ordered(
      this.tables
        .rows("SELECT value, samples FROM facet_count WHERE name = ?", [name])
        .map(([value, samples]) => [String(value), Number(samples)] as const),
    );
  }

  ids(states: readonly Trust[]): string {
    const [joined] = this.tables.rows(
      `SELECT group_concat(id, char(10)) FROM
        (SELECT id FROM facet WHERE name = 'trust' AND value IN (SELECT value FROM json_each(?)) ORDER BY id)`,
      [JSON.stringify(states)],
    );
    return String(joined![0] ?? "");
  }

  known(ids: readonly string[]): ReadonlySet<string> {
    const asked = JSON.stringify(ids);
    const rows = this.tables.rows("SELECT id FROM entry WHERE id IN (SELECT value FROM json_each(?))", [asked]);
    return new Set(rows.map(([id]) => String(id)));
  }

  covered(facets: readonly Facet[]): Facet[] {
    const held = "SELECT 1 FROM facet_count WHERE name = ? AND value = ?";
    return facets.filter(({ name, value }) => this.tables.rows(held, [name, value]).length > 0);
  }

  notes(purpose: string): Notes | null {
    try {
      return new IndexedNotes(this.tables, purpose);
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      return null;
    }
  }

  statistics(classes: number | null) {
    const firsts = this.tables.rows("SELECT since, model FROM first_in_cell").map(
      ([since, model]): FirstInCell => ({
        since: String(since),
        firstModel: model === null ? null : String(model),
      }),
    );
    const failed = this.tables.rows("SELECT model, name, MIN(at) FROM failed GROUP BY model, name");
    const models = failed.map(([model, modelName, at]) => ({
      model: String(model),
      modelName: String(modelName),
      at: String(at),
    }));
    return statisticsOf(
      {
        samples: this.counts("trust").reduce((sum, { name, samples }) => sum + (name === "forgotten" ? 0 : samples), 0),
        counts: (name) => this.counts(name),
        models: modelsOf(models),
        firsts,
        damaged: this.tables.number("SELECT COUNT(*) FROM odd WHERE damaged = 1"),
        notUnderstood: this.tables.number("SELECT COUNT(*) FROM odd WHERE damaged = 0"),
      },
      classes,
    );
  }

  pairsByAttack(): PairCount[] {
    return this.tables
      .rows(
        `SELECT p.value, a.value, COUNT(*) FROM facet p LEFT JOIN facet a ON a.id = p.id AND a.name = 'attack'
       WHERE p.name = 'pair' GROUP BY p.value, a.value`,
      )
      .map(([pair, attack, samples]) => ({
        pair: String(pair),
        attack: attack === null ? null : String(attack),
        samples: Number(samples),
      }))
      .sort((a, b) => (canonicalText([a.pair, a.attack]) < canonicalText([b.pair, b.attack]) ? -1 : 1));
  }

  async alike(onRead?: (done: number, of: number) => void, of: string | null = null): Promise<Grouping> {
    await regroup(this.tables, this.corpus, onRead, of);
    return groupingIn(this.tables, of);
  }

  get notGrouped(): number {
    return notGrouped(this.tables);
  }

  leaders(filter: Filter, limit: number | null): Leaders {
    const { where, values } = conditions(filter);
    // Of the row with the least place SQLite takes the other columns, too.
    const groups = `SELECT e.id AS id, e.since AS since, COUNT(*) - 1 AS more, MIN(COALESCE(a.place, 0)) FROM entry e
      LEFT JOIN alike a ON a.id = e.id AND a.suspicious = 0 WHERE ${where} GROUP BY COALESCE(a.leader, e.id)`;
    const total = this.tables.number(`SELECT COUNT(*) FROM (${groups})`, values);
    const lines = this.tables
      .rows(`SELECT id, more FROM (${groups}) ORDER BY since DESC, id LIMIT ${limit ?? -1}`, values)
      .map(([id, more]) => ({ id: String(id), more: Number(more) }));
    return { total, leaders: this.withMore(lines) };
  }

  private *withMore(lines: readonly { readonly id: string; readonly more: number }[]) {
    let at = 0;
    for (const entry of this.entries(lines.map(({ id }) => id))) yield { entry, more: lines[at++]!.more };
  }

  private *entries(ids: readonly string[]): Generator<Entry> {
    for (let at = 0; at < ids.length; at += PAGE) {
      const page = ids.slice(at, at + PAGE);
      const known = new Map(entriesOf(this.tables, page).map((entry) => [entry.id, entry]));
      for (const id of page) yield known.get(id)!;
    }
  }

  contents(): Contents {
    const entries = SHARDS.flatMap((shard) =>
      entriesWhere(this.tables, (id) => `${id} >= ? AND ${id} < ?`, [shard, `${shard}g`]),
    );
    return { entries: entries.sort(byId), problems: this.problems, notUnderstood: this.notUnderstood };
  }
}
