import { type Counts, corpusStatistics } from "../../corpus/statistics.ts";
import { plural, table } from "../../report/format.ts";
import { visible } from "../../report/visible.ts";
import type { Given } from "../options.ts";
import { openCorpus, tellProblems } from "./open.ts";
import { threatText } from "./words.ts";

/** Lines of one table. */
const SHOWN = 12;

export async function run(given: Given): Promise<number> {
  const contents = await (await openCorpus(given)).read();
  const statistics = corpusStatistics(contents);
  if (given.json) {
    process.stdout.write(`${JSON.stringify(statistics, null, 2)}\n`);
    return 0;
  }
  tellProblems(contents.problems, contents.notUnderstood);
  const { samples, kinds, trust, pairs, threats, attacks, models, groups } = statistics;
  const lines = [
    `${plural(samples, "sample")}${groups > 0 ? ` of ${plural(groups, "group")}` : ""}`,
    ...section("Kind", kinds),
    ...section("State", trust),
    ...section("Taken for", pairs),
    ...section(
      "Threat",
      threats.map(({ name, samples: count }) => ({ name: threatText(name), samples: count })),
    ),
    ...section("Attack", attacks),
    ...(models.length === 0 ? [] : ["Model, and how many samples came with it"]),
    ...table(
      models.map(({ name, samples: count, isNew }) => [`  ${visible(name)}`, String(count), `${isNew} new`]),
      ["left", "right", "right"],
    ),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}

function section(title: string, counts: Counts): string[] {
  if (counts.length === 0) return [];
  const rows = counts.slice(0, SHOWN).map(({ name, samples }) => [`  ${visible(name)}`, String(samples)]);
  const more = counts.length > SHOWN ? [`  and ${counts.length - SHOWN} more (--json has all)`] : [];
  return [title, ...table(rows, ["left", "right"]), ...more];
}
