import { join } from "node:path";
import { catalogOf } from "../../corpus/catalog.ts";
import { replay } from "../../regression/gate.ts";
import { replayText } from "../../report/gate/console.ts";
import { openCatalog, openCorpus } from "../corpus/open.ts";
import { type Given, requireOptions } from "../options.ts";
import { openVersions } from "./open-versions.ts";
import { beginSession } from "./session.ts";
import { writeJson } from "./write.ts";

export async function run(options: Given, [id]: readonly string[] = []): Promise<number> {
  const given = requireOptions(options, ["model"], "replay");
  const corpus = await openCorpus(given);
  const catalog =
    id === undefined
      ? await openCatalog(given, corpus)
      : catalogOf(corpus, { entries: [await corpus.find(id)], problems: [], notUnderstood: [] });
  const session = await beginSession(given);
  const opened = await openVersions([given.model], given, corpus, session.options.signal);
  try {
    const [candidate] = opened.versions;
    const result = await replay({
      corpus,
      catalog,
      candidate: candidate!,
      ...session.options,
    });
    session.progress.clear();
    if (given.out !== undefined) await writeJson(join(given.out, "replay.json"), result);
    process.stdout.write(given.json ? `${JSON.stringify(result, null, 2)}\n` : replayText(result));
    if (session.interrupted()) return 130;
    const unknown = result.counts.error + result.counts.incomparable + result.counts.skipped;
    return unknown > 0 || result.cases.length === 0 ? 3 : 0;
  } finally {
    session.end();
    catalog.close();
    await opened.close();
  }
}
