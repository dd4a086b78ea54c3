/**
 * How long a gate takes: two MNIST nets of 166,406 parameters, at the default effort. Of the samples a part fools the old version and not the new one; each is attacked again with all the
 * effort there is, and nearly all withstand: the dearest case. The others are images turned into their negatives that both get wrong: these are only replayed.
 *
 *   node bench/gate-time.mjs [--fixed 100] [--broken 400]
 *
 * Prints wall time, processor time of the whole process, load, and the same for a second gate on the same versions, which remembers everything. Needs
 * ../shared/data (or BLINDSPOT_DATA).
 */
import { availableParallelism, loadavg } from "node:os";
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

const { values } = parseArgs({
  options: { fixed: { type: "string", default: "100" }, broken: { type: "string", default: "400" } },
});
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

const base = await version("convex_adv_mnist.onnx");
const candidate = await version("fast_adv_fgsm.onnx");
const classOf = async ({ classifier }, point) => {
  const scores = await classifier.verify(point);
  return scores.indexOf(Math.max(...scores));
};

/** Negatives that both versions get wrong, from the end of the test set. */
async function bothWrong(count) {
  const kept = [];
  for (let i = mnist.length - 1; i >= 0 && kept.length < count; i--) {
    const { index, label, point } = await mnist.sample(i);
    const negative = point.map((value) => 1 - value);
    const predicted = await classOf(base, negative);
    if (predicted !== label && (await classOf(candidate, negative)) !== label)
      kept.push({ index, label, found: { point: negative, predicted } });
  }
  return kept;
}

const corpus = await Corpus.create(memoryFolder());
const passing = await fooled(
  base,
  Number(values.fixed),
  async (point, label) => (await classOf(candidate, point)) === label,
);
const { record, name } = base;
for (const [found, adversarial] of [
  ...passing.map((one) => [one, true]),
  ...(await bothWrong(Number(values.broken))).map((one) => [one, false]),
]) {
  const { point } = await mnist.sample(found.index);
  const named = (index) => ({ name: record.classes[index], index });
  await corpus.add({
    codec: codecOf({ modality: "image", dims: [...mnist.dims], values: "float32" }),
    point: found.found.point,
    clean: adversarial ? point : null,
    events: [
      {
        event: "found",
        kind: adversarial ? "adversarial" : "natural",
        model: await corpus.storeModel(record),
        modelName: name,
        label: named(found.label),
        predicted: named(found.found.predicted),
        data: { spec: "mnist", index: found.index },
        ...(adversarial ? { threat: threat.id } : {}),
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
      cores: availableParallelism(),
      load: loadavg().map((value) => Math.round(10 * value) / 10),
    }),
  );
}
process.exit(0);
