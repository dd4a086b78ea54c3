import { basename, resolve } from "node:path";
import type { Grouping } from "../../corpus/alike.ts";
import type { Catalog } from "../../corpus/catalog.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import type { CorpusStatistics } from "../../corpus/statistics.ts";
import { type AlikeCounts, corpusPage, type ShownLeader } from "../../report/corpus/page.ts";
import { threatShort } from "../../report/gate/words.ts";
import { writeText } from "../regression/write.ts";
import { version } from "../version.ts";
import { shownIn } from "./shown.ts";
import { changeText } from "./words.ts";

/** Groups that have a card. */
const LEADERS = 24;

/** Writes the counts of a corpus as a page for a browser. */
export async function writePage(
  file: string,
  corpus: Corpus,
  catalog: Catalog,
  counted: { readonly statistics: CorpusStatistics; readonly alike: AlikeCounts; readonly grouping: Grouping },
): Promise<void> {
  const { statistics, alike, grouping } = counted;
  const largest = [...grouping.groups].sort((a, b) => b.members.length - a.members.length);
  const leaders: ShownLeader[] = [];
  for (const { leader, members } of largest.slice(0, LEADERS)) {
    const { id, kinds, label, predicted, found, manifest } = await corpus.find(leader);
    const [first] = found;
    const facts = [
      ...kinds,
      first?.threat === undefined ? "" : threatShort(first.threat),
      first?.attack?.name ?? first?.corruption?.name ?? "",
      first === undefined ? "" : changeText(first),
    ];
    leaders.push({
      id,
      members: members.length,
      label: label?.name ?? "?",
      predicted: predicted?.name ?? "?",
      facts: facts.filter((fact) => fact !== ""),
      shown: await shownIn(corpus, manifest),
    });
  }
  const name = basename(resolve(corpus.folder.name));
  const tool = `blindspot ${version()}`;
  await writeText(file, corpusPage({ name, tool, statistics, alike, pairsByAttack: catalog.pairsByAttack(), leaders }));
}
