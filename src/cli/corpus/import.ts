import { BlindspotError } from "../../base/errors.ts";
import { sourceName } from "../../corpus/from-run.ts";
import { storeImport } from "../../corpus/incoming.ts";
import { plural } from "../../report/format.ts";
import { codecFor, openData } from "../open.ts";
import type { Given } from "../options.ts";
import { createCorpus } from "./open.ts";

export async function run(given: Given, [spec]: readonly string[]): Promise<number> {
  const data = await openData({ ...given, data: spec! });
  const codec = codecFor(data)(data.naturalQuantize);
  const corpus = await createCorpus(given);
  const { kind = "adversarial" } = given;
  const count = { inputs: data.length, isNew: 0, known: 0, forgotten: 0 };
  const problems: { readonly index: number; readonly problem: string }[] = [];
  for (let index = 0; index < data.length; index++) {
    try {
      const { id, point, label, group } = await data.sample(index);
      const name = data.classes?.[label] ?? String(label);
      const added = await storeImport(corpus, codec, kind, {
        point,
        label: { name, index: label },
        data: { spec: sourceName(spec!), sample: id, index, ...(group === undefined ? {} : { group }) },
      });
      count[added.forgotten ? "forgotten" : added.isNew ? "isNew" : "known"]++;
    } catch (error) {
      // One bad row does not keep the others out; a full disk does.
      if (!(error instanceof BlindspotError) || /^E_(DISK_FULL|CORPUS_)/.test(error.code)) throw error;
      problems.push({ index, problem: error.message });
    }
  }
  for (const { index, problem } of problems.slice(0, 10)) process.stderr.write(`note: left out ${index}: ${problem}\n`);
  if (problems.length > 10) process.stderr.write(`note: left out ${problems.length - 10} more\n`);
  if (given.json) process.stdout.write(`${JSON.stringify({ ...count, problems }, null, 2)}\n`);
  else
    process.stdout.write(
      `${corpus.folder.name}: ${count.isNew} new of ${plural(count.inputs, "input")}; untrusted until they are replayed\n`,
    );
  return problems.length === 0 ? 0 : 2;
}
