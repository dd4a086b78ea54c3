/**
 * `npm run demo`: installs what is missing, builds, and goes the whole way on the road-sign example: attack the model, harden it by a few epochs from
 * there, attack it again, put a detector in front, compare before and after, and let the gate decide whether the new version may replace the old
 * one. About three minutes on two cores.
 *
 *   npm run demo -- [--out FOLDER] [--samples N] [--full] [--all]
 *
 * `--full` hardens from fresh weights instead, on 20,000 images: half an hour in all, and 73.6 % of the signs stand (docs/defenses.md). `--all` goes on to rows, texts and an endpoint.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build, install, ROOT, run } from "./prepare.mjs";

const { values: options } = parseArgs({
  options: {
    out: { type: "string" },
    samples: { type: "string", default: "40" },
    full: { type: "boolean" },
    all: { type: "boolean" },
  },
});

/** Images that are drawn for the hardening: seeds apart from those of the model (1), of its surrogate (3) and of the test set (2026). */
const QUICK = { train: { seed: 11, count: 4000 }, choose: { seed: 12, count: 300 } };
const FULL = { train: { seed: 11, count: 20_000 }, choose: { seed: 12, count: 800 } };
const TRAINING = {
  quick: ["--method", "n-fgsm", "--epochs", "4"],
  full: ["--method", "n-fgsm", "--reinitialize", "--epochs", "20", "--lr", "0.002", "--epsilon-ramp", "0.3"],
};
const THREAT = ["--threat", "linf:8/255"];
/** Of each attack on each sample, so that the demo stays short: without it `standard` asks up to 5,000 times. */
const EFFORT = ["--queries", "1000"];
/** The detector is attacked by eight adaptive attacks: fewer samples say enough for a first look. */
const DETECTOR_SAMPLES = "20";

const started = Date.now();
const example = (name) => join("examples", "road-signs", name);
const reading = ["--classes", example("classes.txt")];
const test = `npz:${example("test.npz")}`;
// A folder of its own for each demo, unless one is named.
const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
const out = options.out ?? join(".blindspot", "runs", `demo-${stamp}`);
const inside = (name) => join(out, name);

install();
build();
await main();
if (options.all) {
  rows();
  texts();
  await endpoint();
}

async function main() {
  const sets = options.full ? FULL : QUICK;
  const natural = example("road-signs.onnx");
  const hardened = inside("hardened.onnx");
  // The corpus of this demo: what the model gets wrong stays a test for its next version.
  const boundary = inside("boundary");

  step("1. Attack the model as it is");
  blindspot(...assess(natural, "natural"), "--corpus", boundary);

  step(`2. Draw ${sets.train.count} signs to train on, ${sets.choose.count} to choose the epoch by`);
  const { train, choose } = await draw(sets);

  step(
    options.full
      ? "3. Harden it: adversarial training from fresh weights"
      : "3. Harden it: a few epochs of adversarial training, from the model just attacked",
  );
  blindspot(
    ...["harden", "--model", natural, ...reading, ...THREAT, "--data", train, "--validate", choose],
    ...(options.full ? TRAINING.full : TRAINING.quick),
    ...["--augment", "shift=2", "--validate-samples", "200", "--out", hardened],
  );

  step("4. Attack the hardened model afresh, with the same effort");
  blindspot(...assess(hardened, "hardened"), "--corpus", "none");

  step("5. Put a detector in front of it, and attack both together");
  const guarded = inside("guarded.onnx");
  const detection = inside("detection.json");
  const detect = (name, ...args) => blindspot("detect", name, "--model", hardened, ...reading, ...THREAT, ...args);
  detect("fit", "--detector", "mahalanobis", "--data", train, "--validate", choose, "--out", guarded);
  detect("evaluate", "--detector", guarded, "--data", test, "--samples", DETECTOR_SAMPLES, "--out", detection);

  step("6. Before and after, sample by sample");
  const [before, after] = [inside("natural"), inside("hardened")];
  blindspot("diff", before, after, "--cost", "--detection", detection, "--out", inside("comparison"));

  step("7. The gate: may the hardened version replace the natural one?");
  const gate = ["gate", "--model", hardened, "--against", natural, "--corpus", boundary, "--attacks", "quick"];
  // A gate that fails is an answer, not an accident.
  blindspot({ mayFail: true }, ...gate, "--out", inside("gate"));

  const pages = [
    join("comparison", "comparison.html"),
    join("gate", "boundary-report.html"),
    join("natural", "report.html"),
    join("hardened", "report.html"),
  ];
  const seconds = Math.round((Date.now() - started) / 1000);
  console.error(`\n${seconds} s in all. For your browser:`);
  for (const page of pages) console.error(`  ${resolve(ROOT, inside(page))}`);
}

function step(title) {
  console.error(`\n== ${title}`);
}

/** Rows: at most two fields of a loan request, to values that an applicant could state. */
function rows() {
  step("Rows: a loan decision, two fields of a request");
  const loan = (name) => join("examples", "loan", name);
  const data = ["--data", `csv:${loan("loans.csv")}?label=decision`, "--schema", loan("schema.json")];
  blindspot("assess", "--model", loan("trees.onnx"), ...data, "--threat", "fields:2", ...short("rows"));
}

/** Texts: a few characters of a message. */
function texts() {
  step("Texts: a spam filter, five characters of a message");
  const spam = (name) => join("examples", "spam", name);
  const data = ["--data", `tsv:${spam("messages.tsv")}?header=no&label=0&text=1&quote=none`];
  blindspot("assess", "--model", spam("spam.onnx"), ...data, "--threat", "text:characters=5", ...short("texts"));
}

/** A model that can only be asked, and answers with labels alone. */
async function endpoint() {
  step("An endpoint: the road signs again, by labels over HTTP");
  const folder = join("examples", "endpoint");
  const server = spawn(process.execPath, [join(folder, "server.mjs")], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const [address] = await once(server.stdout, "data");
    const asked = ["--model", String(address).trim(), "--adapter", `json:${join(folder, "adapter.json")}`];
    const effort = ["--samples", "10", "--attacks", "rays", "--queries", "300", "--corpus", "none"];
    blindspot(
      "assess",
      ...asked,
      ...reading,
      "--data",
      test,
      "--threat",
      "linf:16/255",
      ...effort,
      "--out",
      inside("endpoint"),
    );
  } finally {
    server.kill();
  }
}

function short(name) {
  return ["--samples", "40", "--attacks", "quick", "--corpus", "none", "--out", inside(name)];
}

/** Runs a command, and ends the demo where it fails (unless its first argument is `{ mayFail: true }`). */
function blindspot(...given) {
  const [{ mayFail }, args] = typeof given[0] === "object" ? [given[0], given.slice(1)] : [{ mayFail: false }, given];
  const { status } = run(process.execPath, [relative(ROOT, join(ROOT, "dist", "cli", "main.js")), ...args]);
  if (status !== 0 && !(mayFail && status === 1)) process.exit(status);
}

/** Held-out data: neither model has seen the test set. */
function assess(model, name) {
  return [
    ...["assess", "--model", model, "--surrogate", example("surrogate.onnx"), ...reading, "--data", test],
    ...["--samples", options.samples, ...EFFORT, ...THREAT, "--out", inside(name)],
  ];
}

/** Draws both sets into the folder of the demo; what they are given as. */
async function draw(sets) {
  // Only now is the build there that these need.
  const { int64, tensor, writeNpz } = await import("../dist/index.js");
  const { renderSet, SIZE } = await import("../examples/road-signs/render.mjs");
  mkdirSync(resolve(ROOT, inside("data")), { recursive: true });
  const specs = Object.entries(sets).map(([name, { seed, count }]) => {
    const { images, labels } = renderSet(seed, count);
    const path = join(inside("data"), `${name}.npz`);
    const x = tensor("uint8", [count, SIZE, SIZE, 3], images);
    writeFileSync(resolve(ROOT, path), writeNpz({ x, y: int64([count], labels) }));
    return [name, `npz:${path}`];
  });
  return Object.fromEntries(specs);
}
