import { BlindspotError } from "../../base/errors.ts";
import { CorpusIndex } from "../../corpus/files-index.ts";
import { SHARDS } from "../../corpus/layout.ts";
import { plural } from "../../report/format.ts";
import type { Given } from "../options.ts";
import { Progress } from "../progress.ts";
import { openCorpus } from "./open.ts";

export async function run(given: Given): Promise<number> {
  const corpus = await openCorpus(given);
  const directory = corpus.folder.name;
  await CorpusIndex.remove(directory);
  const progress = new Progress(process.stderr, given.quiet ?? false);
  const index = await CorpusIndex.open(corpus, directory, (done) =>
    progress.update(() => `${done} of ${SHARDS.length} parts`),
  );
  progress.clear();
  if (index === null)
    throw new BlindspotError({ code: "E_CORPUS_INDEX", subject: directory, expected: "a folder that can be written" });
  const { samples } = index;
  index.close();
  process.stdout.write(
    given.json ? `${JSON.stringify({ samples })}\n` : `${directory}: ${plural(samples, "sample")}\n`,
  );
  return 0;
}
