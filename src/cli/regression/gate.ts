import { join } from "node:path";
import type { Entry } from "../../corpus/entry.ts";
import { threatsOf } from "../../corpus/filter.ts";
import { gate } from "../../regression/gate.ts";
import { gateText } from "../../report/gate/console.ts";
import { openCorpus, readCorpus } from "../corpus/open.ts";
import { type Given, requireOptions } from "../options.ts";
import { defined, overridesOf } from "../plan-options.ts";
import { attackFresh } from "./fresh.ts";
import { openVersions } from "./open-versions.ts";
import { policyOf } from "./policy.ts";
import { writeReports } from "./reports.ts";
import { beginSession } from "./session.ts";
import { GATE_FILE, GATE_FOLDER } from "./stored.ts";
import { writeJson } from "./write.ts";

export async function run(options: Given): Promise<number> {
  const given = requireOptions(options, ["model", "against"], "gate");
  const policy = policyOf(given);
  const corpus = await openCorpus(given);
  const session = await beginSession(given);
  const opened = await openVersions([given.model, given.against], given, corpus, session.options.signal);
  try {
    const [candidate, base] = opened.versions;
    const { attacks, profile, seed } = given;
    const contents = await readCorpus(given, corpus);
    const result = await gate({
      corpus,
      contents,
      candidate: candidate!,
      base: base!,
      effort: { overrides: overridesOf(given), ...defined({ attacks, profiles: profile, seed }) },
      policy,
      fresh: async () => attackFresh(given, opened, threatsIn(contents.entries), session),
      ...session.options,
    });
    session.progress.clear();
    const folder = given.out ?? GATE_FOLDER;
    await writeJson(join(folder, GATE_FILE), result);
    const annotations = await writeReports(result, given.report ?? ["html"], folder, corpus);
    if (given.reproducers !== undefined) {
      const { writeReproducers } = await import("./reproducers.ts");
      await writeReproducers(given.reproducers, result, corpus, given);
    }
    if (given.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
    else
      process.stdout.write(
        `${gateText(result)}Files: ${[folder, ...(given.reproducers === undefined ? [] : [given.reproducers])].join(", ")}\n`,
      );
    for (const line of annotations) (given.json ? process.stderr : process.stdout).write(`${line}\n`);
    return session.interrupted() ? 130 : result.verdict.exitCode;
  } finally {
    session.end();
    await opened.close();
  }
}

/** Ids of what the samples of the corpus were found under. */
function threatsIn(entries: readonly Entry[]): string[] {
  return [...new Set(entries.flatMap(threatsOf))].sort();
}
