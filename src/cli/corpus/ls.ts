import { once } from "node:events";
import type { Catalog } from "../../corpus/catalog.ts";
import type { Entry } from "../../corpus/entry.ts";
import type { Filter } from "../../corpus/filter.ts";
import { grouped, plural, table } from "../../report/format.ts";
import { threatShort } from "../../report/gate/words.ts";
import { visible } from "../../report/visible.ts";
import type { Given } from "../options.ts";
import { alikeIn, filterOf, openCatalog, openCorpus, tellProblems } from "./open.ts";
import { changeText, summaryOf } from "./words.ts";

const SHOWN = 50;

export async function run(given: Given): Promise<number> {
  const { json, limit, leaders = false } = given;
  const catalog = await openCatalog(given, await openCorpus(given), leaders);
  try {
    tellProblems(catalog.problems, catalog.notUnderstood);
    const filter = filterOf(given, () => catalog.classes());
    if (leaders) await alikeIn(given, catalog);
    const lines = (most: number | null) => (leaders ? leading(catalog, filter, most) : listed(catalog, filter, most));
    if (json) {
      await writeJson(lines(limit || null).lines);
      return 0;
    }
    const { lines: shown, total } = lines(limit === 0 ? null : (limit ?? SHOWN));
    const rows = [...shown].map(({ entry, more }) => [
      ...rowOf(entry),
      ...(leaders ? [more ? `+${grouped(more)} alike` : ""] : []),
    ]);
    const head = ["ID", "KIND", "TRUE CLASS", "TAKEN FOR", "THREAT", "ATTACK", "CHANGE", "STATE"];
    if (leaders) head.push("AND");
    const left = head.map(() => "left" as const);
    if (rows.length > 0) process.stdout.write(`${table([head, ...rows], left).join("\n")}\n`);
    const rest = total - rows.length;
    const of = total === catalog.samples ? "" : ` of ${grouped(catalog.samples)}`;
    const told = `${plural(total, "sample")}${of}${leaders ? ", one of each group of samples that are alike" : ""}`;
    const hint = rest > 0 ? `; ${grouped(rest)} more with --limit 0 (all) or --limit N` : "";
    process.stdout.write(`${told}${hint}\n`);
    return 0;
  } finally {
    catalog.close();
  }
}

/** A line of the list; `more` samples like it are left out. */
interface Line {
  readonly entry: Entry;
  readonly more?: number;
}
interface Lines {
  readonly lines: Iterable<Line>;
  readonly total: number;
}

function leading(catalog: Catalog, filter: Filter, most: number | null): Lines {
  const { leaders, total } = catalog.leaders(filter, most);
  return { lines: leaders, total };
}

function listed(catalog: Catalog, filter: Filter, most: number | null): Lines {
  const { entries, total } = catalog.list(filter, most);
  return { lines: asLines(entries), total };
}

function* asLines(entries: Iterable<Entry>): Generator<Line> {
  for (const entry of entries) yield { entry };
}

/** One after the other, no faster than the reader takes them: a list of all samples may be larger than the memory. */
async function writeJson(lines: Iterable<Line>): Promise<void> {
  const write = async (text: string) => {
    if (!process.stdout.write(text)) await once(process.stdout, "drain");
  };
  let before = "[";
  for (const { entry, more } of lines) {
    const summary = { ...summaryOf(entry), ...(more === undefined ? {} : { alike: more }) };
    await write(`${before}\n  ${JSON.stringify(summary, null, 2).replaceAll("\n", "\n  ")}`);
    before = ",";
  }
  await write(before === "[" ? "[]\n" : "\n]\n");
}

function rowOf(entry: Entry): string[] {
  const [found] = entry.found;
  return [
    entry.id.slice(0, 12),
    entry.kinds.join(", "),
    entry.label?.name ?? "?",
    entry.predicted?.name ?? "",
    found?.threat === undefined ? "" : threatShort(found.threat),
    found?.attack?.name ?? found?.corruption?.name ?? "",
    found === undefined ? "" : changeText(found),
    entry.trust,
  ].map(visible);
}
