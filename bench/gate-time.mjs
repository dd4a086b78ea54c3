/**
 * How long a gate takes: two MNIST nets of 166,406 parameters, at the default effort. A fifth of the samples fool the old version and not the new one, the
 * others were found on the new one; nearly all of these have to be asked of the old one, which withstands: the dearest case there is.
 *
 *   node bench/gate-time.mjs [--samples 100]
 *
 * Prints wall time, processor time of the whole process, and the same for a second gate on the same versions, which remembers everything. Needs
 * ../shared/data (or BLINDSPOT_DATA).
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { codecOf } from "../dist/corpus/identity.js";
import {
  Corpus,
  findAttack,
  gate,
  linf,
  loadClassifier,
  memoryFolder,
  nodeRuntime,
  openDataset,
  openModel,
  runSamples,
} from "../dist/index.js";
import { mapMemory } from "../dist/regression/memory.js";

const { values } = parseArgs({ options: { samples: { type: "string", default: "100" } } });
const wanted = Number(values.samples);
const data = process.env["BLINDSPOT_DATA"] ?? fileURLToPath(new URL("../../shared/data", import.meta.url));
const mnist = await openDataset(
  ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]
    .map((name) => join(data, "mnist", name))
    .join(",")
    .replace(/^/, "idx:"),
);
const threat = linf(0.2, { spelled: "0.2" });
const pgd = findAttack("pgd");
const runtime = await nodeRuntime();

async function version(name) {
  const opened = await openModel(join(data, "mnist/models", name));
  const classifier = await loadClassifier(opened.bytes, { runtime, dims: mnist.dims });
  const { classes, dims } = classifier;
  return {
    name,
    classifier,
    record: {
      kind: "onnx",
      identity: opened.sha256,
      classes: [...classes],
      dims: [...dims],
      preprocessing: { inputRange: [0, 1] },
    },
  };
}

/** The first samples that fool this version, and are to the liking of `accept`. */
async function fooled({ classifier }, count, accept) {
  async function* samples() {
    for (let i = 0; i < Math.min(mnist.length, 6 * count); i++) yield mnist.sample(i);
  }
  const profiles = [
    { knowledge: "white-box", attacks: [{ definition: pgd, settings: { ...pgd.defaults, loss: "margin" } }] },
  ];
  const kept = [];
  for await (const {
    index,
    label,
    profiles: [profile],
  } of runSamples(samples(), { classifier, threat, profiles })) {
    const found = profile?.attempts[0]?.found;
    if (found != null && (await accept(found.point, label))) kept.push({ index, label, found });
  }
  return kept.sort((a, b) => a.index - b.index).slice(0, count);
}

const base = await version("fast_adv_fgsm.onnx");
const candidate = await version("convex_adv_mnist.onnx");
const right = async ({ classifier }, point, label) => {
  const scores = await classifier.verify(point);
  return scores.indexOf(Math.max(...scores)) === label;
};
const corpus = await Corpus.create(memoryFolder());
const passing = await fooled(base, Math.round(wanted / 5), (point, label) => right(candidate, point, label));
const failing = await fooled(candidate, wanted - passing.length, async () => true);
for (const [found, { record, name }] of [
  ...passing.map((one) => [one, base]),
  ...failing.map((one) => [one, candidate]),
]) {
  const { point } = await mnist.sample(found.index);
  const named = (index) => ({ name: record.classes[index], index });
  await corpus.add({
    codec: codecOf({ modality: "image", dims: [...mnist.dims], values: "float32" }),
    point: found.found.point,
    clean: point,
    events: [
      {
        event: "found",
        kind: "adversarial",
        model: await corpus.storeModel(record),
        modelName: name,
        label: named(found.label),
        predicted: named(found.found.predicted),
        data: { spec: "mnist", index: found.index },
        threat: threat.id,
      },
    ],
  });
}
const memory = mapMemory();
for (const turn of ["first", "again"]) {
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  const { counts, cost, corpus: told } = await gate({ corpus, candidate, base, memory });
  const { user, system } = process.cpuUsage(cpu);
  const outcomes = Object.fromEntries(
    counts.filter(({ cases }) => cases > 0).map(({ outcome, cases }) => [outcome, cases]),
  );
  console.log(
    JSON.stringify({
      turn,
      samples: told.samples,
      outcomes,
      cost,
      wallSeconds: (performance.now() - wall) / 1000,
      cpuSeconds: (user + system) / 1e6,
    }),
  );
}
process.exit(0);
