/**
 * How long a large corpus takes: 100,000 samples made up in a temporary folder (removed afterwards), then the commands as a user types them. Memory is
 * the most that a command held at once.
 *
 *   node bench/corpus-scale.mjs [--samples 100000] [--merged 1000] [--out FILE]
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { canonicalText } from "../dist/corpus/canonical-json.js";
import { codecOf, digestOf, extensionOf, manifestOf, manifestText } from "../dist/corpus/identity.js";
import { blobPath, eventPath, modelFile, samplePath } from "../dist/corpus/layout.js";
import { Corpus, diskFolder } from "../dist/index.js";
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
  preprocessing: {},
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
      (_, at) => (at < 3 ? (i >> (8 * at)) & 255 : (at * 37) & 255) / 255,
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

/** Seconds by the clock and of computing, and most megabytes, of one command. */
function timed(...args) {
  const probe = join(folder, "memory.cjs");
  writeFileSync(
    probe,
    "process.on('exit', () => { const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage(); console.error('\\nUSED', maxRSS, (userCPUTime + systemCPUTime) / 1e6); });",
  );
  const start = performance.now();
  const { status, stderr, stdout } = spawnSync(process.execPath, ["--require", probe, cli, ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 30,
  });
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error(`${args.join(" ")}: ${stderr.slice(-500)}`);
  const [, kilobytes, cpu] = /USED (\d+) ([\d.]+)/.exec(stderr);
  return {
    seconds,
    cpuSeconds: Number(cpu),
    megabytes: Math.round(Number(kilobytes) / 1024),
    said: stdout.slice(-100),
  };
}

try {
  if (extensionOf(form) !== "png") throw new Error("another form");
  const [large, small] = [join(folder, "boundary"), join(folder, "other")];
  const [samples, merged] = [Number(options.samples), Number(options.merged)];
  await fill(large, 0, samples);
  await fill(small, samples, samples + merged);
  const corpus = ["--corpus", large];
  const id = JSON.parse(
    spawnSync(process.execPath, [cli, "corpus", "ls", "--json", "--corpus", small], {
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    }).stdout,
  )[0].id;
  const result = {
    samples,
    firstLs: timed("corpus", "ls", ...corpus, "--quiet"),
    ls: timed("corpus", "ls", ...corpus),
    lsFiltered: timed("corpus", "ls", ...corpus, "--pair", "class 3:*", "--threat", "linf"),
    stats: timed("corpus", "stats", ...corpus),
    merge: timed("corpus", "merge", small, ...corpus),
    lsAfterMerge: timed("corpus", "ls", ...corpus),
    show: timed("corpus", "show", id, ...corpus),
    lsJson: timed("corpus", "ls", "--json", ...corpus),
  };
  report(result, options.out);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
