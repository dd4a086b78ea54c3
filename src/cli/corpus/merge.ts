import { Corpus } from "../../corpus/corpus.ts";
import { diskFolder } from "../../corpus/files.ts";
import { merge } from "../../corpus/merge.ts";
import { plural } from "../../report/format.ts";
import type { Given } from "../options.ts";
import { createCorpus, openCatalog, tellProblems } from "./open.ts";

export async function run(given: Given, [directory]: readonly string[]): Promise<number> {
  const source = await Corpus.open(await diskFolder(directory!));
  const target = await createCorpus(given);
  const merged = await merge(target, source, null, () => openCatalog(given, target));
  const { samples, events, refused, notUnderstood } = merged;
  tellProblems(refused, notUnderstood);
  if (given.json) process.stdout.write(`${JSON.stringify(merged, null, 2)}\n`);
  else
    process.stdout.write(`${target.folder.name}: ${plural(samples, "new sample")}, ${plural(events, "new event")}\n`);
  return refused.length === 0 ? 0 : 2;
}
