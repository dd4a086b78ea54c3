import { writeWhole } from "../../assess/files.ts";
import { bundleOf } from "../../corpus/bundle.ts";
import { trainable } from "../../corpus/export.ts";
import { merge } from "../../corpus/merge.ts";
import { plural } from "../../report/format.ts";
import { type Given, requireOptions } from "../options.ts";
import { exportTraining } from "./export-training.ts";
import { createCorpus, openCatalog, openCorpus, selected, tellProblems } from "./open.ts";

export async function run(options: Given): Promise<number> {
  const given = requireOptions(options, ["out"], "corpus export");
  const { out } = given;
  const corpus = await openCorpus(given);
  const chosen = await selected(given, corpus);
  let samples = chosen.length;
  // Nothing else is an .npz file.
  if (given.for === "training" || out.endsWith(".npz")) {
    const usable = trainable(chosen);
    await exportTraining(corpus, usable, given);
    tellLeftOut(samples - usable.length, "whose true class nobody vouches for");
    samples = usable.length;
  } else if (out.endsWith(".jsonl")) {
    let lines = 0;
    const counted = async function* () {
      for await (const line of bundleOf(corpus, chosen)) {
        lines++;
        yield `${line}\n`;
      }
    };
    await writeWhole(out, counted());
    tellLeftOut(samples - lines, "that nobody has given a class");
    samples = lines;
  } else {
    const target = await createCorpus({ corpus: out });
    const look = () => openCatalog({ ...given, corpus: out }, target);
    const { refused } = await merge(target, corpus, new Set(chosen.map(({ id }) => id)), look);
    tellProblems(refused, []);
  }
  if (given.json) process.stdout.write(`${JSON.stringify({ out, samples }, null, 2)}\n`);
  else process.stdout.write(`${out}: ${plural(samples, "sample")}\n`);
  return 0;
}

function tellLeftOut(count: number, why: string): void {
  if (count > 0) process.stderr.write(`note: left out ${count} ${why}\n`);
}
