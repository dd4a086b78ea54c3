/**
 * How long a large corpus takes: 100,000 samples made up in a temporary folder (removed afterwards), then the commands as a user types them. Memory is
 * the most that a command held at once; `load` is the machine's own figure for the last minute: who waits for a processor waits longer by the clock.
 *
 * What is merged has a tombstone of a sample that the corpus has, and a rendition. The gate compares two small made-up models: first of all samples, then with
 * 50 that are new.
 *
 *   node bench/corpus-scale.mjs [--samples 100000] [--merged 1000] [--out FILE]
 */
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readSync, rmSync, statSync, writeFileSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { canonicalText } from "../dist/corpus/canonical-json.js";
import { codecOf, digestOf, extensionOf, manifestOf, manifestText } from "../dist/corpus/identity.js";
import { blobPath, eventPath, modelFile, samplePath } from "../dist/corpus/layout.js";
import { Graph, Model, opBuilder, writeModel } from "../dist/graph/index.js";
import { Corpus, diskFolder, float32, Rng } from "../dist/index.js";
import { operators } from "../dist/ops/index.js";
import { readOptions, report } from "./peer.mjs";

const options = readOptions({ samples: "100000", merged: "1000", out: undefined });
const cli = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "blindspot-scale-"));
const form = { modality: "image", dims: [8, 8, 1], values: "uint8" };
const codec = codecOf(form);
const classes = Array.from({ length: 43 }, (_, i) => `class ${i}`);
const record = {
  schema: "blindspot-model/1",
  kind: "onnx",
  identity: "5".repeat(64),
  classes,
  dims: form.dims,
  preprocessing: { inputRange: [0, 1] },
};
const made = new Set();

/** Written as the corpus writes them, but not flushed one by one: that would take a day. */
function write(directory, path, bytes) {
  const name = join(directory, path);
  const parent = name.slice(0, name.lastIndexOf("/"));
  if (!made.has(parent)) mkdirSync(parent, { recursive: true });
  made.add(parent);
  writeFileSync(name, bytes);
}

async function fill(directory, from, to) {
  await Corpus.create(await diskFolder(directory));
  const model = modelFile(record);
  write(directory, model.path, model.text);
  for (let i = from; i < to; i++) {
    const point = Float32Array.from(
      { length: 64 },
      (_, at) => (at < 3 ? (i >> (8 * at)) & 255 : Math.imul(i + 1, 2654435761 * (at + 1)) >>> 24) / 255,
    );
    const input = digestOf(codec, point);
    const manifest = manifestOf(form, input, null);
    const [label, predicted] = [i % 43, (i * 7 + 1) % 43];
    const event = {
      schema: "blindspot-event/1",
      sample: manifest.id,
      at: new Date(1.7e12 + 1000 * i).toISOString(),
      tool: "0.1.0",
      run: `run-${i % 50}`,
      event: "found",
      kind: "adversarial",
      model: model.digest,
      modelName: "signs.onnx",
      label: { name: classes[label], index: label },
      predicted: { name: classes[predicted], index: predicted },
      data: { spec: "npz:test.npz", sample: String(i), index: i },
      threat: "linf:8/255;uint8;untargeted",
      attack: {
        name: i % 3 ? "apgd-margin" : "square",
        knowledge: "white-box",
        settings: { steps: 100 },
        seed: 0,
        queries: 9,
        gradients: 8,
      },
      distance: { l0: 60, l0Pixels: 60, l1: 1, l2: 0.2, linf: (1 + (i % 8)) / 255 },
    };
    const text = canonicalText(event);
    write(directory, blobPath(input, form), (await codec.encode(point)).bytes);
    write(directory, eventPath(manifest.id, text), text);
    write(directory, samplePath(manifest.id), manifestText(manifest));
  }
}

/** Scores of 43 classes, at random. */
function writeVersion(name, seed) {
  const graph = new Graph("signs");
  const op = opBuilder(graph, operators);
  const x = op.input("x", { dtype: "float32", shape: ["N", 1, 8, 8] });
  const rng = Rng.of(seed);
  const weights = float32(
    [64, 43],
    Float32Array.from({ length: 64 * 43 }, () => rng.normal()),
  );
  op.output(op.MatMul(op.Flatten(x), weights));
  writeFileSync(join(folder, name), writeModel(new Model(graph, 17)));
}

/** Seconds by the clock and of computing, and most mebibytes, of one command. */
function timed(...args) {
  const [probe, out] = ["memory.cjs", "stdout"].map((name) => join(folder, name));
  writeFileSync(
    probe,
    "process.on('exit', () => { const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage(); console.error('\\nUSED', maxRSS, (userCPUTime + systemCPUTime) / 1e6); });",
  );
  const told = openSync(out, "w");
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, ["--require", probe, cli, ...args], {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", told, "pipe"],
    maxBuffer: 2 ** 28,
  });
  const seconds = (performance.now() - start) / 1000;
  closeSync(told);
  // A gate that finds something is no failure of its own.
  if (status !== 0 && (args[0] !== "gate" || stderr.includes("E_")))
    throw new Error(`${args.join(" ")}: ${stderr.slice(-500)}`);
  const [, kibibytes, cpu] = /USED (\d+) ([\d.]+)/.exec(stderr);
  const row = {
    seconds: Number(seconds.toFixed(2)),
    cpuSeconds: Number(Number(cpu).toFixed(2)),
    mebibytes: Math.round(Number(kibibytes) / 1024),
    load: Number(loadavg()[0].toFixed(1)),
    said: tail(out),
  };
  console.error(args.slice(0, 2).join(" "), row.seconds, row.cpuSeconds, row.mebibytes, row.load);
  return row;
}

/** The end of a file. */
function tail(path) {
  const bytes = Buffer.alloc(100);
  const file = openSync(path, "r");
  const read = readSync(file, bytes, 0, 100, Math.max(0, statSync(path).size - 100));
  closeSync(file);
  return bytes.toString("utf8", 0, read);
}

/** What another clone did: a sample that both have is forgotten there, another one was shrunk. */
async function changeBoth(directory) {
  const corpus = await Corpus.open(await diskFolder(directory));
  const { entries } = await corpus.read();
  const both = entries.filter(({ found }) => found[0].data.index < Number(options.samples));
  await corpus.append(both[0].id, { event: "forgotten", by: "ann", reason: "a face" });
  for (const { id } of both.slice(1, 6)) await corpus.append(id, renditionOf(entries.at(-1).manifest.input));
  return both[1].id;
}

function renditionOf(input) {
  const [model, predicted] = [modelFile(record).digest, { name: classes[1], index: 1 }];
  const how = { marginFloor: 0.1, guarantee: "1-minimal", stop: "local-minimum", queries: 9 };
  return { event: "rendered", rendition: "minimal", input, model, predicted, ...how };
}

try {
  if (extensionOf(form) !== "png") throw new Error("another form");
  const [large, small] = [join(folder, "boundary"), join(folder, "other")];
  const [samples, merged] = [Number(options.samples), Number(options.merged)];
  await fill(large, 0, samples);
  await fill(small, samples - 10, samples + merged);
  const corpus = ["--corpus", large];
  const id = await changeBoth(small);
  for (const [i, name] of ["v1.onnx", "v2.onnx"].entries()) writeVersion(name, i);
  const gate = ["gate", "--model", "v2.onnx", "--against", "v1.onnx", "--quiet", ...corpus];
  const result = {
    samples,
    firstLs: timed("corpus", "ls", ...corpus, "--quiet"),
    ls: timed("corpus", "ls", ...corpus),
    lsFiltered: timed("corpus", "ls", ...corpus, "--pair", "class 3:*", "--threat", "linf"),
    stats: timed("corpus", "stats", ...corpus),
    merge: timed("corpus", "merge", small, ...corpus),
    lsAfterMerge: timed("corpus", "ls", ...corpus),
    statsAfterMerge: timed("corpus", "stats", ...corpus),
    show: timed("corpus", "show", id, ...corpus),
    forget: timed("corpus", "forget", id, "--reason", "a face", ...corpus),
    lsJson: timed("corpus", "ls", "--json", ...corpus),
    exportPair: timed("corpus", "export", "--pair", "class 3:*", "--out", "pair.jsonl", ...corpus),
    gate: timed(...gate),
  };
  await fill(large, samples + merged, samples + merged + 50);
  result.gateOf50New = timed(...gate);
  result.verify = timed("corpus", "verify", ...corpus);
  report(result, options.out);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
