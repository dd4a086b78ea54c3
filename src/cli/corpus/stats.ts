import type { Group, Grouping } from "../../corpus/alike.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import type { Counts } from "../../corpus/facets.ts";
import type { CorpusStatistics } from "../../corpus/statistics.ts";
import type { AlikeCounts } from "../../report/corpus/page.ts";
import { grouped, percent, plural, table } from "../../report/format.ts";
import { threatShort } from "../../report/gate/words.ts";
import { visible } from "../../report/visible.ts";
import type { Given } from "../options.ts";
import { alikeIn, openCatalog, openCorpus, tellProblems } from "./open.ts";

/** Lines of one table. */
const SHOWN = 12;

export async function run(given: Given): Promise<number> {
  const corpus = await openCorpus(given);
  const catalog = await openCatalog(given, corpus, true);
  try {
    const statistics = catalog.statistics(await classCount(corpus));
    const isKnown = given.html !== undefined || catalog.notGrouped <= GROUPED_AT_ONCE;
    const grouping = isKnown ? await alikeIn(given, catalog) : null;
    const alike = grouping && alikeCounts(grouping);
    tellProblems(catalog.problems, catalog.notUnderstood);
    process.stdout.write(
      given.json ? `${JSON.stringify({ ...statistics, alike }, null, 2)}\n` : told(statistics, alike),
    );
    if (given.html !== undefined && grouping !== null && alike !== null) {
      const { writePage } = await import("./stats-page.ts");
      await writePage(given.html, corpus, catalog, { statistics, alike, grouping });
      if (!given.json) process.stdout.write(`Page: ${given.html}\n`);
    }
    return 0;
  } finally {
    catalog.close();
  }
}

/** How many classes the models have; null where they don't agree. */
async function classCount(corpus: Corpus): Promise<number | null> {
  const counts = new Set((await corpus.models()).map(({ classes }) => classes.length));
  return counts.size === 1 ? [...counts][0]! : null;
}

function told(
  { samples, kinds, trust, pairs, threats, attacks, groups, ...rest }: CorpusStatistics,
  alike: AlikeCounts | null,
): string {
  const lines = [
    `${plural(samples, "sample")}${groups > 0 ? ` of ${plural(groups, "group")}` : ""}`,
    ...(alike === null ? [NOT_GROUPED] : alikeText(alike)),
    ...section("Kind", kinds),
    ...section("State", trust),
    ...section("Taken for", pairs),
    ...section(
      "Threat",
      threats.map(({ name, samples: count }) => ({ name: threatShort(name), samples: count })),
    ),
    ...section("Attack", attacks),
    ...growth(rest.models),
    ...coverage(rest),
  ];
  return `${lines.join("\n")}\n`;
}

/** Samples that `stats` groups on its own; more take longer than counting. */
const GROUPED_AT_ONCE = 5000;
const NOT_GROUPED = "  which samples are alike has not been looked at since some came: corpus ls --leaders does";

function alikeCounts({ groups, suspicious }: Grouping): AlikeCounts {
  const members = (some: readonly Group[]) => some.reduce((sum, one) => sum + one.members.length, 0);
  const counted = (some: readonly Group[]) => ({ groups: some.length, samples: members(some) });
  return { ...counted(groups), suspicious: counted(suspicious) };
}

function alikeText({ groups, samples, suspicious }: AlikeCounts): string[] {
  const large = `${plural(suspicious.samples, "sample")} look alike in ${plural(suspicious.groups, "group")} too large to be believed: they stand alone`;
  return [
    ...(groups === 0
      ? []
      : [`  ${plural(samples, "sample")} are alike in ${plural(groups, "group")} (corpus ls --leaders)`]),
    ...(suspicious.groups === 0 ? [] : [`  ${large}`]),
  ];
}

function growth(models: CorpusStatistics["models"]): string[] {
  if (models.length === 0) return [];
  const rows = models.map(({ name, samples, isNew, newCells }) => [
    `  ${visible(name)}`,
    grouped(samples),
    `${grouped(isNew)} new`,
    `${grouped(newCells)} new cells`,
  ]);
  return ["Model, and what came with it", ...table(rows, ["left", "right", "right", "right"])];
}

function coverage({ coverage: families, lastNewCell }: Pick<CorpusStatistics, "coverage" | "lastNewCell">): string[] {
  if (families.length === 0) return [];
  const rows = families.map(({ family, cells, of, once, unseen }) => [
    `  ${family}`,
    `${grouped(cells)}${of === null ? "" : ` of ${grouped(of)}`}`,
    `${grouped(once)} seen once`,
    `about ${percent(unseen!)} of the next finds elsewhere`,
  ]);
  return [
    "Boundary cells with samples (the shares are estimates, f1 / n, under the attacks that made this corpus)",
    ...table(rows, ["left", "right", "right", "left"]),
    ...(lastNewCell === null ? [] : [`  last new cell: ${lastNewCell.slice(0, 10)}`]),
  ];
}

function section(title: string, counts: Counts): string[] {
  if (counts.length === 0) return [];
  const rows = counts.slice(0, SHOWN).map(({ name, samples }) => [`  ${visible(name)}`, String(samples)]);
  const more = counts.length > SHOWN ? [`  and ${counts.length - SHOWN} more (--json has all)`] : [];
  return [title, ...table(rows, ["left", "right"]), ...more];
}
