import { join } from "node:path";
import type { Catalog } from "../../corpus/catalog.ts";
import { gateOn } from "../../regression/gate.ts";
import { gateJson } from "../../regression/gate-json.ts";
import { gateText } from "../../report/gate/console.ts";
import { openCatalog, openCorpus } from "../corpus/open.ts";
import { type Given, requireOptions } from "../options.ts";
import { defined, overridesOf } from "../plan-options.ts";
import { attackFresh } from "./fresh.ts";
import { openVersions } from "./open-versions.ts";
import { policyOf } from "./policy.ts";
import { writeReports } from "./reports.ts";
import { beginSession } from "./session.ts";
import { GATE_FILE, GATE_FOLDER } from "./stored.ts";
import { writeText } from "./write.ts";

export async function run(options: Given): Promise<number> {
  const given = requireOptions(options, ["model", "against"], "gate");
  const policy = policyOf(given);
  const corpus = await openCorpus(given);
  const session = await beginSession(given);
  const catalog = await openCatalog(given, corpus);
  const opened = await openVersions([given.model, given.against], given, corpus, session.options.signal);
  try {
    const [candidate, base] = opened.versions;
    const { attacks, profile, seed } = given;
    const result = await gateOn({
      corpus,
      catalog,
      candidate: candidate!,
      base: base!,
      effort: { overrides: overridesOf(given), ...defined({ attacks, profiles: profile, seed }) },
      policy,
      fresh: async () => attackFresh(given, opened, threatsIn(catalog), session),
      ...session.options,
    });
    session.progress.clear();
    const folder = given.out ?? GATE_FOLDER;
    await writeText(join(folder, GATE_FILE), gateJson(result));
    const annotations = await writeReports(result, given.report ?? ["html"], folder, corpus);
    if (given.reproducers !== undefined) {
      const { writeReproducers } = await import("./reproducers.ts");
      await writeReproducers(given.reproducers, result, corpus, given);
    }
    if (given.json) for (const piece of gateJson(result)) process.stdout.write(piece);
    else
      process.stdout.write(
        `${gateText(result)}Files: ${[folder, ...(given.reproducers === undefined ? [] : [given.reproducers])].join(", ")}\n`,
      );
    for (const line of annotations) (given.json ? process.stderr : process.stdout).write(`${line}\n`);
    return session.interrupted() ? 130 : result.verdict.exitCode;
  } finally {
    session.end();
    catalog.close();
    await opened.close();
  }
}

/** Ids of what the samples of the corpus were found under. */
function threatsIn(catalog: Catalog): string[] {
  return catalog
    .counts("threat")
    .map(({ name }) => name)
    .sort();
}
