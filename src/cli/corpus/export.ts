import { writeWhole } from "../../assess/files.ts";
import { BlindspotError } from "../../base/errors.ts";
import { commonClasses, trainable, trainingFile } from "../../corpus/export.ts";
import { merge } from "../../corpus/merge.ts";
import { plural } from "../../report/format.ts";
import { classNames } from "../open.ts";
import { type Given, requireOptions } from "../options.ts";
import { createCorpus, openCorpus, selected, tellProblems } from "./open.ts";

export async function run(options: Given): Promise<number> {
  const given = requireOptions(options, ["out"], "corpus export");
  const corpus = await openCorpus(given);
  const { entries, problems, notUnderstood } = await corpus.read();
  tellProblems(problems, notUnderstood);
  const chosen = selected(entries, given);
  let samples = chosen.length;
  if (given.out.endsWith(".npz")) {
    const usable = trainable(chosen);
    const named = given.classes === undefined ? await commonClasses(corpus, usable) : await classNames(given.classes);
    if (named === null)
      throw new BlindspotError({
        code: "E_CLASSES",
        subject: "blindspot corpus export",
        expected: "--classes: the samples come from models with different classes, or from none",
      });
    await writeWhole(given.out, await trainingFile(corpus, usable, named));
    if (usable.length < samples)
      process.stderr.write(`note: left out ${samples - usable.length} whose true class nobody vouches for\n`);
    samples = usable.length;
  } else {
    const target = await createCorpus({ corpus: given.out });
    const { refused } = await merge(target, corpus, new Set(chosen.map(({ id }) => id)));
    tellProblems(refused, []);
  }
  if (given.json) process.stdout.write(`${JSON.stringify({ out: given.out, samples }, null, 2)}\n`);
  else process.stdout.write(`${given.out}: ${plural(samples, "sample")}\n`);
  return 0;
}
