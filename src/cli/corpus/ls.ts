import { once } from "node:events";
import type { Entry } from "../../corpus/entry.ts";
import { grouped, plural, table } from "../../report/format.ts";
import { threatShort } from "../../report/gate/words.ts";
import { visible } from "../../report/visible.ts";
import type { Given } from "../options.ts";
import { filterOf, openCatalog, openCorpus, tellProblems } from "./open.ts";
import { changeText, summaryOf } from "./words.ts";

const SHOWN = 50;

export async function run(given: Given): Promise<number> {
  const catalog = await openCatalog(given, await openCorpus(given));
  try {
    tellProblems(catalog.problems, catalog.notUnderstood);
    const filter = filterOf(given, () => catalog.classes());
    if (given.json) {
      await writeJson(catalog.list(filter, given.limit || null).entries);
      return 0;
    }
    const { entries, total } = catalog.list(filter, given.limit === 0 ? null : (given.limit ?? SHOWN));
    const rows = [...entries].map(rowOf);
    const head = ["ID", "KIND", "TRUE CLASS", "TAKEN FOR", "THREAT", "ATTACK", "CHANGE", "STATE"];
    const left = head.map(() => "left" as const);
    if (rows.length > 0) process.stdout.write(`${table([head, ...rows], left).join("\n")}\n`);
    const more = total - rows.length;
    const of = total === catalog.samples ? "" : ` of ${grouped(catalog.samples)}`;
    const rest = more > 0 ? `; ${grouped(more)} more with --limit 0 (all) or --limit N` : "";
    process.stdout.write(`${plural(total, "sample")}${of}${rest}\n`);
    return 0;
  } finally {
    catalog.close();
  }
}

/** One after the other, no faster than the reader takes them: a list of all samples may be larger than the memory. */
async function writeJson(entries: Iterable<Entry>): Promise<void> {
  const write = async (text: string) => {
    if (!process.stdout.write(text)) await once(process.stdout, "drain");
  };
  let before = "[";
  for (const entry of entries) {
    await write(`${before}\n  ${JSON.stringify(summaryOf(entry), null, 2).replaceAll("\n", "\n  ")}`);
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
