import { BlindspotError } from "../../base/errors.ts";
import { bless } from "../../regression/baseline.ts";
import { plural } from "../../report/format.ts";
import { actor, openCatalog, openCorpus } from "../corpus/open.ts";
import { type Given, requireOptions } from "../options.ts";
import { version } from "../version.ts";
import { GATE_FOLDER, readGate } from "./stored.ts";

export async function run(options: Given, [directory = GATE_FOLDER]: readonly string[]): Promise<number> {
  const given = requireOptions(options, ["reason"], "bless");
  if (inCi())
    throw new BlindspotError({
      code: "E_BLESS_CI",
      subject: "blindspot bless",
      expected: "a person, who commits what was blessed",
      got: "a CI job (CI is set)",
    });
  const corpus = await openCorpus(given);
  const result = await readGate(directory);
  const words = { at: new Date().toISOString(), by: actor(given), reason: given.reason, tool: version() };
  const catalog = await openCatalog(given, corpus);
  const baseline = await bless(corpus, catalog, result, words).finally(() => catalog.close());
  const { broken, standing, model } = baseline;
  if (given.json) process.stdout.write(`${JSON.stringify(baseline, null, 2)}\n`);
  else
    process.stdout.write(
      `Blessed ${model.name}: ${plural(broken.length, "sample")} broken, ${plural(standing.length, "sample")} standing. Commit ${corpus.folder.name}/baselines/main.json\n`,
    );
  return 0;
}

function inCi(): boolean {
  const { CI } = process.env;
  return CI !== undefined && CI !== "" && CI !== "false" && CI !== "0";
}
