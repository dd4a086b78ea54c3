/**
 * Measures the rule of the gate before anybody relies on it: how often it says "fixed" of what can still be broken, and "newly broken" of what the base
 * fell to all along. Versions: plain retrains with other seeds, a hardened one, fakes (weight noise, 8-bit weights), an identical one. The truth is
 * found without the rule: ten times its gradients with other seeds, and APGD-T of torchattacks (PyTorch) with ten restarts.
 *
 *   node bench/gate-rule.mjs --family mnist|road-signs [--work DIR] [--samples N] [--retrains N] [--python PYTHON]
 *
 * Writes bench/results/gate-rule-FAMILY.json. What is trained is kept in --work and not trained again. `mnist` needs ../shared/data (or BLINDSPOT_DATA).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { codecOf } from "../dist/corpus/identity.js";
import {
  Corpus,
  findAttack,
  float32,
  gate,
  loadClassifier,
  memoryFolder,
  nodeRuntime,
  openDataset,
  openModel,
  Rng,
  runSamples,
  wilson95,
  writeModel,
  writeNpy,
  writeNpz,
} from "../dist/index.js";
import { planReattack, reattack } from "../dist/regression/reattack.js";
import { parseThreat } from "../dist/threats/parse.js";

const { values: options } = parseArgs({
  options: {
    family: { type: "string", default: "mnist" },
    work: { type: "string", default: ".blindspot/gate-rule" },
    samples: { type: "string" },
    retrains: { type: "string", default: "5" },
    python: { type: "string" },
  },
});

const root = fileURLToPath(new URL("..", import.meta.url));
const shared = process.env["BLINDSPOT_DATA"] ?? join(root, "..", "shared", "data");
const work = join(options.work, options.family);
mkdirSync(work, { recursive: true });

const FAMILIES = {
  mnist: {
    threat: "linf:0.1",
    quantize: "none",
    samples: 150,
    draw: drawMnist,
    source: join(shared, "mnist/models/convex_adv_mnist.onnx"),
    epochs: 6,
    hardenedEpochs: 8,
  },
  "road-signs": {
    threat: "linf:4/255",
    quantize: "uint8",
    samples: 60,
    draw: drawSigns,
    source: join(root, "examples/road-signs/road-signs.onnx"),
    epochs: 8,
    hardenedEpochs: 8,
  },
};
const family = FAMILIES[options.family];
const wanted = Number(options.samples ?? family.samples);
/** The weights' change of the first fake, relative to their deviation. */
const NOISE = 0.03;
const TRUTH_SEED = 1001;
/** Samples that are attacked for each that is wanted. */
const ATTACKED = 3;
/** Ten times the gradients of the default effort. These networks hide none, so more queries without them would find less. */
const TRUTH = [
  "apgd-warm.steps=500",
  "apgd-ce.restarts=10",
  "apgd-margin.restarts=20",
  "apgd-t.restarts=10",
  "raise-one-logit.restarts=10",
];

const runtime = await nodeRuntime();
const sets = await family.draw();
const versions = await makeVersions();
const v1 = versions[0];
const threat = parseThreat(family.threat, { quantize: family.quantize, dims: v1.classifier.dims });
const found = await attackFirst();
process.stderr.write(`${found.length} samples fool version 1\n`);
const rows = [];
for (const version of versions.slice(1)) {
  rows.push(await measure(version));
  // What is measured is kept, should the rest be cut short.
  keep(rows);
}
process.stdout.write(`${JSON.stringify(summarize(rows), null, 2)}\n`);
process.exit(0);

async function drawMnist() {
  const data = await openDataset(
    `idx:${join(shared, "mnist/t10k-images-idx3-ubyte.gz")},${join(shared, "mnist/t10k-labels-idx1-ubyte.gz")}`,
  );
  return cut(data, { train: [0, 8000], choose: [8000, 8500], attack: [8500, 10_000] });
}

async function drawSigns() {
  const { renderSet, SIZE } = await import("../examples/road-signs/render.mjs");
  const paths = {};
  for (const [name, set] of Object.entries({
    train: { seed: 41, count: 5000 },
    choose: { seed: 42, count: 300 },
    attack: { seed: 43, count: 400 },
  })) {
    paths[name] = `npz:${join(work, `${name}.npz`)}`;
    if (existsSync(join(work, `${name}.npz`))) continue;
    const { images, labels } = renderSet(set.seed, set.count);
    const y = { dtype: "int64", dims: [set.count], data: BigInt64Array.from(labels, BigInt) };
    writeFileSync(
      join(work, `${name}.npz`),
      writeNpz({ x: { dtype: "uint8", dims: [set.count, SIZE, SIZE, 3], data: images }, y }),
    );
  }
  return paths;
}

async function cut(data, ranges) {
  const paths = {};
  for (const [name, [from, to]] of Object.entries(ranges)) {
    paths[name] = `npz:${join(work, `${name}.npz`)}`;
    if (existsSync(join(work, `${name}.npz`))) continue;
    const size = data.dims.reduce((a, b) => a * b, 1);
    const x = new Uint8Array((to - from) * size);
    const y = new BigInt64Array(to - from);
    for (let i = from; i < to; i++) {
      const { point, label } = await data.sample(i);
      x.set(
        point.map((value) => Math.round(255 * value)),
        (i - from) * size,
      );
      y[i - from] = BigInt(label);
    }
    writeFileSync(
      join(work, `${name}.npz`),
      writeNpz({
        x: { dtype: "uint8", dims: [to - from, ...data.dims], data: x },
        y: { dtype: "int64", dims: [to - from], data: y },
      }),
    );
  }
  return paths;
}

function trained(name, ...args) {
  const path = join(work, `${name}.onnx`);
  if (existsSync(path)) return path;
  process.stderr.write(`training ${name}\n`);
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, "dist/cli/main.js"),
      "harden",
      "--data",
      sets.train,
      "--validate",
      sets.choose,
      "--threat",
      family.threat,
      "--out",
      path,
      "--validate-samples",
      "100",
      "--patience",
      "0",
      ...args,
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  if (status !== 0) throw new Error(`training ${name} failed`);
  return path;
}

/** Every weight of two or more dimensions changed by `change(tensor, n)`. */
async function changed(name, path, change) {
  const file = join(work, `${name}.onnx`);
  const { model } = await openModel(path);
  let n = 0;
  const values = new Set(model.graph.nodes.flatMap(({ inputs }) => inputs));
  for (const value of values) {
    const { constant } = value ?? {};
    if (constant == null || constant.dtype !== "float32" || constant.dims.length < 2) continue;
    value.constant = float32(constant.dims, change(constant.data, n++));
  }
  if (n === 0) throw new Error(`${path}: no weights`);
  writeFileSync(file, writeModel(model));
  return file;
}

function noisy(data, n) {
  const mean = data.reduce((a, b) => a + b, 0) / data.length;
  const deviation = Math.sqrt(data.reduce((a, b) => a + (b - mean) ** 2, 0) / data.length);
  const rng = Rng.of(5).fold(n);
  return data.map((weight) => weight + NOISE * deviation * rng.normal());
}

/** Symmetric, one scale for a tensor. */
function eightBit(data) {
  const scale = data.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0) / 127;
  return data.map((weight) => scale * Math.round(weight / scale));
}

async function makeVersions() {
  const plain = (seed) =>
    trained(
      `plain-${seed}`,
      "--model",
      family.source,
      "--reinitialize",
      "--method",
      "none",
      "--regularize",
      "weight-decay=0.0005",
      "--epochs",
      String(family.epochs),
      "--seed",
      String(seed),
    );
  const first = plain(0);
  const retrains = Array.from({ length: Number(options.retrains) }, (_, i) => ["retrain", plain(i + 1)]);
  const hardened = trained(
    "hardened",
    "--model",
    family.source,
    "--reinitialize",
    "--method",
    "n-fgsm",
    "--epochs",
    String(family.hardenedEpochs),
    "--epsilon-ramp",
    "0.4",
    "--seed",
    "9",
  );
  const list = [
    ["first", first],
    ...retrains,
    ["hardened", hardened],
    ["fake: weight noise", await changed("noise", first, noisy)],
    ["fake: 8-bit weights", await changed("eight-bit", first, eightBit)],
    ["identical", first],
  ];
  const versions = [];
  for (const [kind, path] of list) {
    const opened = await openModel(path);
    const data = await openDataset(sets.attack);
    const classifier = await loadClassifier(opened.bytes, { runtime, dims: data.dims, label: path });
    const record = {
      kind: "onnx",
      identity: opened.sha256,
      classes: [...classifier.classes],
      dims: [...classifier.dims],
      preprocessing: { inputRange: [0, 1] },
    };
    versions.push({ kind, path, name: path.split("/").at(-1), classifier, record });
  }
  return versions;
}

/** What fools version 1: half found by PGD, which stops just behind the boundary, half by AutoPGD on the cross-entropy, which goes deeper. */
async function attackFirst() {
  const data = await openDataset(sets.attack);
  const attacks = ["pgd", "apgd-ce"].map((name) => {
    const definition = findAttack(name);
    return { definition, settings: { ...definition.defaults, ...(name === "pgd" ? { loss: "margin" } : {}) } };
  });
  const result = [];
  for (const [half, attack] of attacks.entries()) {
    async function* samples() {
      for (let i = half; i < Math.min(data.length, ATTACKED * wanted); i += 2) yield data.sample(i);
    }
    const kept = [];
    for await (const record of runSamples(samples(), {
      classifier: v1.classifier,
      threat,
      profiles: [{ knowledge: "white-box", attacks: [attack] }],
      seed: 3,
    })) {
      const attempt = record.profiles[0]?.attempts[0];
      if (attempt?.found != null) kept.push({ record, attempt });
    }
    kept.sort((a, b) => a.record.index - b.record.index);
    result.push(...kept.slice(0, Math.ceil(wanted / 2)));
  }
  return result;
}

async function corpusOf() {
  const data = await openDataset(sets.attack);
  const corpus = await Corpus.create(memoryFolder());
  const model = await corpus.storeModel(v1.record);
  const form = {
    modality: data.modality,
    dims: [...data.dims],
    values: family.quantize === "uint8" ? "uint8" : "float32",
  };
  for (const { record, attempt } of found) {
    const { point } = await data.sample(record.index);
    const name = (index) => ({ name: v1.record.classes[index], index });
    await corpus.add({
      codec: codecOf(form),
      point: attempt.found.point,
      clean: threat.deployable(point, point),
      events: [
        {
          event: "found",
          kind: "adversarial",
          model,
          modelName: v1.name,
          label: name(record.label),
          predicted: name(attempt.found.predicted),
          data: { spec: sets.attack, sample: record.id, index: record.index },
          threat: threat.id,
        },
      ],
    });
  }
  return corpus;
}

async function measure(candidate) {
  const started = performance.now();
  const corpus = await corpusOf();
  const result = await gate({ corpus, candidate, base: v1, onEvent: () => {} });
  const outcomes = Object.fromEntries(
    result.counts.filter(({ cases }) => cases > 0).map(({ outcome, cases }) => [outcome, cases]),
  );
  const passing = result.cases.filter(({ attacked }) => attacked?.version === "candidate");
  const fixed = passing.filter(({ outcome }) => outcome === "fixed");
  const by = {};
  for (const { attacked } of passing) {
    const attack = attacked.attempts.find(({ outcome }) => outcome === "fooled")?.attack ?? "none";
    by[attack] = (by[attack] ?? 0) + 1;
  }
  process.stderr.write(`${candidate.kind} ${candidate.name}: ${JSON.stringify(outcomes)}\n`);
  const truth = await truthOf(candidate, corpus, fixed);
  // The other way around: version 1 yields, and this version is the base. What withstood was withstood by the same attack.
  const turned = await gate({ corpus: await corpusOf(), candidate: v1, base: candidate });
  const newly = turned.cases.filter(({ outcome }) => outcome === "newly-broken").map(({ sample }) => sample);
  const falseNew = newly.filter((sample) => truth.some((one) => one.sample === sample && (one.tenfold || one.outside)));
  const row = {
    kind: candidate.kind,
    version: candidate.name,
    replays: result.cases.length,
    outcomes,
    passing: passing.length,
    fixed: fixed.length,
    brokenBy: by,
    falseFixed: {
      tenfold: truth.filter(({ tenfold }) => tenfold).length,
      outside: truth.filter(({ outside }) => outside).length,
      any: truth.filter(({ tenfold, outside }) => tenfold || outside).length,
    },
    outsideRan: truth.every(({ outside }) => outside !== null),
    newlyBroken: newly.length,
    falseNewlyBroken: falseNew.length,
    untold: newly.filter((sample) => !truth.some((one) => one.sample === sample)).length,
    seconds: Math.round((performance.now() - started) / 1000),
  };
  process.stderr.write(`${JSON.stringify(row)}\n`);
  return row;
}

/** Whether what the rule calls fixed is broken by ten times the effort, or by another program's attack. */
async function truthOf(candidate, corpus, fixed) {
  const suspects = [];
  for (const { sample, label } of fixed) {
    const { manifest } = await corpus.find(sample);
    const [clean, point] = await Promise.all([corpus.point(manifest, "clean"), corpus.point(manifest, "input")]);
    suspects.push({ sample, clean, label: candidate.record.classes.indexOf(label), starts: [point] });
  }
  if (suspects.length === 0) return [];
  const truth = new Map(suspects.map(({ sample }) => [sample, { sample, tenfold: false, outside: null }]));
  const plan = planReattack(candidate, threat, { overrides: { set: TRUTH } }, ["white-box"]);
  for await (const { sample, outcome } of reattack(candidate, threat, suspects, plan, { seed: TRUTH_SEED }))
    truth.get(sample).tenfold = outcome === "fooled";
  if (options.python !== undefined)
    for (const [i, broken] of outside(candidate, suspects).entries()) truth.get(suspects[i].sample).outside = broken;
  return [...truth.values()];
}

/** APGD-T of torchattacks on the same file; each point that it gives is asked of the file itself by onnxruntime. */
function outside(candidate, suspects) {
  const directory = join(work, "outside");
  mkdirSync(directory, { recursive: true });
  const { dims } = candidate.classifier;
  const clean = new Float32Array(suspects.flatMap(({ clean }) => [...clean]));
  writeFileSync(join(directory, "x.npy"), writeNpy(float32([suspects.length, ...dims], clean)));
  writeFileSync(join(directory, "y.json"), JSON.stringify(suspects.map(({ label }) => label)));
  const args = [
    join(root, "bench/peers/apgd_t.py"),
    candidate.path,
    directory,
    "--eps",
    String(threat.effectiveEpsilon),
    "--restarts",
    "10",
    ...(threat.quantize === "uint8" ? ["--levels"] : []),
  ];
  const { status, stdout, stderr } = spawnSync(options.python, args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

function keep(rows) {
  const result = {
    family: options.family,
    threat: threat.id,
    corpus: found.length,
    truth: TRUTH,
    complete: rows.length === versions.length - 1,
    table: summarize(rows),
    versions: rows,
  };
  const path = join(root, "bench", "results", `gate-rule-${options.family}.json`);
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
}

function summarize(rows) {
  const kinds = [...new Set(rows.map(({ kind }) => kind))];
  const sum = (kind, of) => rows.filter((row) => row.kind === kind).reduce((total, row) => total + of(row), 0);
  const told = (count, of) => ({
    count,
    of,
    rate: of === 0 ? null : count / of,
    upper95: of === 0 ? null : wilson95(count, of).high,
  });
  return kinds.map((kind) => ({
    kind,
    versions: rows.filter((row) => row.kind === kind).length,
    replays: sum(kind, (row) => row.replays),
    passing: sum(kind, (row) => row.passing),
    fixed: sum(kind, (row) => row.fixed),
    falseFixedOfPassing: told(
      sum(kind, (row) => row.falseFixed.any),
      sum(kind, (row) => row.passing),
    ),
    falseFixedOfFixed: told(
      sum(kind, (row) => row.falseFixed.any),
      sum(kind, (row) => row.fixed),
    ),
    falseNewlyBroken: told(
      sum(kind, (row) => row.falseNewlyBroken),
      sum(kind, (row) => row.newlyBroken),
    ),
  }));
}
