import { Batcher } from "../../attacks/batcher.ts";
import { BlindspotError } from "../../base/errors.ts";
import { pooled } from "../../base/pooled.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import { storeCorruption } from "../../corpus/from-corruptions.ts";
import { CORRUPTIONS, SEVERITIES } from "../../corruptions/corruptions.ts";
import { CorruptionTable, corruptSample } from "../../corruptions/measure.ts";
import { drawSamples } from "../../data/index.ts";
import { jpegRoundTrip } from "../../data/sharp-images.ts";
import { percent, plural, table } from "../../report/format.ts";
import { onInterrupt } from "../interrupt.ts";
import { openTarget } from "../open.ts";
import { type Given, requireOptions } from "../options.ts";
import { requirePreprocessing } from "../preprocessing.ts";
import { Progress } from "../progress.ts";
import { createCorpus } from "./open.ts";

/** Samples under way at once: what fills the batches of a model. */
const IN_FLIGHT = 8;

export async function run(options: Given): Promise<number> {
  const given = requireOptions(options, ["model", "data"], "corpus corrupt");
  const progress = new Progress(process.stderr, given.quiet ?? false);
  const interrupt = onInterrupt((text) => progress.line(text));
  const target = await openTarget(given);
  try {
    await requirePreprocessing(target, given);
    const { classifier, data, facts } = target;
    requireImages(data);
    const corpus = given.corpus === "none" ? null : await createCorpus(given);
    const seed = given.seed ?? 0;
    const indices = drawSamples(data, { samples: given.samples ?? 1000, seed });
    const model = new Batcher(classifier);
    const results = new CorruptionTable();
    const count = { done: 0, failures: 0, isNew: 0 };
    const record = corpus === null ? null : await recordOf(corpus, target);
    await pooled(indices, IN_FLIGHT, async (index) => {
      if (interrupt.signal.aborted) return;
      const sample = await data.sample(index);
      const done = await corruptSample(sample, data.dims, model, jpegRoundTrip, seed);
      results.add(done);
      for (const failure of done.failures) {
        count.failures++;
        if (corpus === null || record === null) continue;
        const found = { model: record, modelName: facts.name, classes: classifier.classes, spec: data.spec, seed };
        if ((await storeCorruption(corpus, found, sample, data.dims, failure)).isNew) count.isNew++;
      }
      count.done++;
      progress.update(() => `${count.done} of ${plural(indices.length, "sample")}, ${count.failures} failures`);
    });
    progress.clear();
    const { cells } = results;
    if (given.json) process.stdout.write(`${JSON.stringify({ samples: count.done, cells, ...count }, null, 2)}\n`);
    else {
      process.stdout.write(told(cells, count.done));
      if (corpus !== null)
        process.stdout.write(
          `Corpus ${corpus.folder.name}: ${count.isNew} new of ${plural(count.failures, "failure")}\n`,
        );
    }
    return interrupt.signal.aborted ? 130 : 0;
  } finally {
    progress.clear();
    interrupt.dispose();
    await target.close();
  }
}

function requireImages({
  modality,
  dims,
  naturalQuantize,
}: {
  modality: string;
  dims: readonly number[];
  naturalQuantize: string;
}) {
  if (modality === "image" && naturalQuantize === "uint8" && (dims[2] === 1 || dims[2] === 3)) return;
  throw new BlindspotError({
    code: "E_CORRUPTIONS",
    subject: "blindspot corpus corrupt",
    expected: "8-bit images, gray or RGB",
    got: `${modality} of ${dims.join("x")}, ${naturalQuantize === "uint8" ? "8-bit" : "float32"} values`,
  });
}

async function recordOf(
  corpus: Corpus,
  { classifier, facts }: Awaited<ReturnType<typeof openTarget>>,
): Promise<string> {
  const { kind, preprocessing } = facts;
  const { classes, dims } = classifier;
  return corpus.storeModel({
    kind,
    identity: facts.sha256!,
    classes: [...classes],
    dims: [...dims],
    preprocessing: { ...preprocessing },
  });
}

function told(cells: CorruptionTable["cells"], samples: number): string {
  const [clean, ...others] = cells;
  const share = (name: string, severity: number) => {
    const cell = others.find((one) => one.corruption === name && one.severity === severity)!;
    return percent(cell.of === 0 ? 0 : cell.right / cell.of);
  };
  const rows = [
    ["corruption", ...SEVERITIES.map((severity) => `severity ${severity}`)],
    ...CORRUPTIONS.map(({ name }) => [name, ...SEVERITIES.map((severity) => share(name, severity))]),
  ];
  const lines = table(rows, ["left", ...SEVERITIES.map(() => "right" as const)]);
  const accuracy = percent(samples === 0 ? 0 : clean!.right / samples);
  return `Right on ${plural(samples, "sample")}: ${accuracy}; under common corruptions\n${lines.join("\n")}\n`;
}
