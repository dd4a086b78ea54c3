/**
 * The tables of docs/defenses.md, remade: each experiment trains one network per seed with `blindspot harden` and attacks it with `blindspot assess`, on
 * images that took no part in the training. Whatever is finished is kept; the same command goes on where it was killed.
 *
 *   for set in mnist road-signs gtsrb; do node bench/harden-data.mjs $set --out DATA; done
 *   node bench/defenses.mjs --folder DATA --out RUNS [--only mnist-pgd,..] [--python venv/bin/python]
 *   node bench/defenses.mjs --out RUNS --summary bench/results/defenses.json      prints the tables of what is there
 *
 * The models that trainings start from (their weights, or their architecture alone) are those of BLINDSPOT_DATA or ../shared/data. With --python,
 * PyTorch attacks MNIST's hardened files too, and trains by the same recipe (bench/README.md says what it needs).
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { tables } from "./defenses-tables.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { values: options } = parseArgs({
  options: {
    folder: { type: "string" },
    out: { type: "string" },
    only: { type: "string" },
    seeds: { type: "string" },
    python: { type: "string" },
    summary: { type: "string" },
    data: { type: "string", default: process.env["BLINDSPOT_DATA"] ?? here("../../shared/data") },
  },
});
const { folder, out, python, data } = options;
if (out === undefined || (folder === undefined && options.summary === undefined))
  throw new Error("usage: node bench/defenses.mjs --folder DATA --out RUNS, or --out RUNS --summary FILE");

/** Threat trained against, threat of another norm, and how often data is drawn upon to measure each. */
const SETS = {
  mnist: { model: join(data, "mnist/models/fast_adv_fgsm.onnx"), threat: "linf:0.3", other: "l2:2", quantize: "none" },
  "road-signs": {
    model: here("../examples/road-signs/road-signs.onnx"),
    test: here("../examples/road-signs/test.npz"),
    threat: "linf:8/255",
    other: "l2:0.5",
    quantize: "uint8",
  },
  gtsrb: {
    model: join(data, "gtsrb/models/dogun_simple_cnn_gtsrb.onnx"),
    threat: "linf:8/255",
    other: "l2:0.5",
    quantize: "uint8",
  },
};

const MNIST = "--reinitialize --epochs 25 --lr 0.003 --augment shift=1";
const SIGNS = "--epochs 8 --lr 0.001 --augment shift=2 --validate-samples 250";
const GTSRB = "--epochs 40 --lr 0.003 --average 0.99 --augment shift=1 --validate-samples 250 --patience 0";

/**
 * In the order of their worth. `harden`: the options; absent where the model is attacked as it is. `from`: the experiment whose file of the same seed is
 * trained further. `other: false`: not under the other norm. `boundary`: training samples attacked to get the stored inputs of method corpus. `samples`: drawn for `standard`.
 */
const EXPERIMENTS = [
  { name: "mnist-natural", set: "mnist", harden: `${MNIST} --average 0.99 --method none`, samples: 300 },
  {
    name: "mnist-pgd",
    set: "mnist",
    harden: `${MNIST} --average 0.995 --batch 50 --method pgd --steps 7 --epsilon-ramp 0.3`,
    samples: 300,
    peer: "attack",
  },
  { name: "road-signs-natural", set: "road-signs", samples: 250, seeds: [0] },
  { name: "road-signs-n-fgsm", set: "road-signs", harden: `${SIGNS} --method n-fgsm`, samples: 250 },
  {
    name: "mnist-fgsm-rs",
    set: "mnist",
    harden: `${MNIST} --average 0.99 --method fgsm-rs`,
    samples: 100,
    other: false,
  },
  { name: "mnist-n-fgsm", set: "mnist", harden: `${MNIST} --average 0.99 --method n-fgsm`, samples: 100, other: false },
  { name: "gtsrb-natural", set: "gtsrb", samples: 250, seeds: [0] },
  { name: "gtsrb-fgsm-rs", set: "gtsrb", harden: `${GTSRB} --method fgsm-rs`, samples: 250 },
  {
    name: "mnist-corpus",
    set: "mnist",
    from: "mnist-natural",
    boundary: 1000,
    harden: "--epochs 8 --lr 0.001 --method corpus",
    samples: 100,
  },
  {
    name: "mnist-label-smoothing",
    set: "mnist",
    harden: `${MNIST} --average 0.99 --method none --regularize label-smoothing=0.5`,
    samples: 100,
  },
  {
    name: "mnist-input-gradient",
    set: "mnist",
    harden: `${MNIST} --average 0.99 --method none --regularize input-gradient=0.1`,
    samples: 100,
  },
  {
    name: "mnist-trades-2",
    set: "mnist",
    harden: `${MNIST} --average 0.99 --method trades --steps 7 --beta 2`,
    samples: 100,
  },
  {
    name: "mnist-trades-6",
    set: "mnist",
    harden: `${MNIST} --average 0.99 --method trades --steps 7 --beta 6`,
    samples: 100,
  },
  {
    name: "mnist-n-fgsm-input-gradient",
    set: "mnist",
    harden: `${MNIST} --average 0.99 --method n-fgsm --regularize input-gradient=0.1`,
    samples: 100,
  },
  { name: "mnist-pgd-pytorch", set: "mnist", peer: "train", seeds: [0, 1, 2] },
];
/** Of the other norm: two attacks, one of them of a family that no training uses. */
const OTHER = { attacks: "apgd-margin,square", samples: 100 };

function blindspot(args, { allowed = [0] } = {}) {
  const { status, stdout } = spawnSync(process.execPath, [here("../dist/cli/main.js"), ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (!allowed.includes(status)) throw new Error(`blindspot ${args.join(" ")}: ended with ${status}`);
  return stdout;
}

/** One line of JSON. */
function peer(args) {
  const { status, stdout } = spawnSync(python, [here("peers/harden.py"), ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`harden.py ${args.join(" ")}: ended with ${status}`);
  return JSON.parse(stdout);
}

const place = ({ name }, seed) => join(out, `${name}-${seed}`);
const part = (set, which) => SETS[set][which] ?? join(folder, `${set}-${which}.npz`);
const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));

function run(experiment, seed) {
  const { set, name } = experiment;
  const { threat, model } = SETS[set];
  const at = place(experiment, seed);
  mkdirSync(at, { recursive: true });
  const record = { experiment: name, set, seed };
  if (experiment.peer === "train") {
    const recipe =
      "--method pgd --steps 7 --ramp 0.3 --epochs 25 --batch 50 --lr 0.003 --average 0.995 --shift 1 --threads 1 --reinitialize";
    const data = [model, part(set, "train"), "--test", part(set, "test"), "--eps", threat.split(":")[1]];
    return { ...record, pytorch: peer(["train", ...data, ...recipe.split(" "), "--seed", String(seed)]) };
  }
  const file = experiment.harden === undefined ? model : train(experiment, seed, at);
  return {
    ...record,
    ...(experiment.harden === undefined ? {} : { training: facts(readJson(join(at, "model.training.json"))) }),
    ...(file !== null && {
      attacked: [
        attack(experiment, file, threat, at),
        ...(experiment.other === false ? [] : [attack(experiment, file, SETS[set].other, at, OTHER)]),
      ],
    }),
    ...(experiment.peer === "attack" && python !== undefined
      ? { pytorch: peer(["attack", file, part(set, "test"), "--eps", threat.split(":")[1]]), ours: ownPgd(set, file) }
      : {}),
  };
}

/** The hardened file, trained now unless it is there. Where no epoch was worth writing: what it began with, or null if that were weights drawn at random. */
function train({ set, from, boundary, harden }, seed, at) {
  const file = join(at, "model.onnx");
  if (existsSync(file)) return file;
  const { model, threat, quantize } = SETS[set];
  const start = from === undefined ? model : join(place({ name: from }, seed), "model.onnx");
  const common = ["--model", start, "--quantize", quantize, "--no-probe"];
  const data = ["--data", `npz:${part(set, "train")}`];
  const stored = join(at, "boundary");
  if (boundary !== undefined) {
    rmSync(stored, { recursive: true, force: true });
    const how = ["--threat", threat, "--samples", String(boundary), "--seed", String(seed), "--save", stored];
    blindspot(["attack", "pgd", ...common, ...data, ...how]);
  }
  const more = boundary === undefined ? [] : ["--boundary", `npz:${join(stored, "adversarial.npz")}`];
  const choose = ["--validate", `npz:${part(set, "choose")}`];
  blindspot(
    [
      "harden",
      ...common,
      ...data,
      ...choose,
      "--threat",
      threat,
      ...harden.split(" "),
      ...more,
      "--seed",
      String(seed),
      "--out",
      file,
    ],
    { allowed: [0, 3] },
  );
  if (existsSync(file)) return file;
  return harden.includes("--reinitialize") ? null : start;
}

/** What PyTorch's attack is held against: PGD on the margin, 100 steps from each of 5 starts, on all test samples. */
function ownPgd(set, model) {
  const { threat, quantize } = SETS[set];
  const what = ["--model", model, "--data", `npz:${part(set, "test")}`, "--samples", "all", "--threat", threat];
  const how = ["--steps", "100", "--restarts", "5", "--set", "pgd.loss=margin", "--quantize", quantize];
  const [{ clean, robustAccuracy }] = JSON.parse(blindspot(["attack", "pgd", ...what, ...how, "--no-probe", "--json"]));
  return { clean: clean.accuracy, robust: robustAccuracy.value, of: robustAccuracy.of };
}

function attack({ set, samples }, model, threat, at, { attacks, samples: drawn } = { samples }) {
  const to = join(at, threat.split(":")[0]);
  const how = attacks === undefined ? [] : ["--attacks", attacks];
  const what = ["--model", model, "--data", `npz:${part(set, "test")}`, "--threat", threat];
  blindspot([
    "assess",
    ...what,
    "--quantize",
    SETS[set].quantize,
    "--no-probe",
    "--samples",
    String(drawn),
    ...how,
    "--out",
    to,
  ]);
  const result = readJson(join(to, "result.json"));
  const [{ robustAccuracy, profiles }] = result.threats;
  return {
    threat,
    attacks: attacks ?? "standard",
    of: robustAccuracy.of,
    correct: result.clean.correct,
    stand: robustAccuracy.unbroken,
    profiles: Object.fromEntries(profiles.map((one) => [one.knowledge, one.robustAccuracy.unbroken])),
    checks: Object.fromEntries(
      result.checks
        .filter(({ status }) => status === "warn" || status === "fail")
        .map(({ id, status }) => [id, status]),
    ),
    seconds: result.seconds,
  };
}

/** What the tables say of a training. */
function facts({ method, settings, threat, stopped, hardened, epochs, seconds, runtime, weights, data: sources }) {
  return {
    method,
    threat,
    settings,
    stopped,
    chosen: hardened && { epoch: hardened.epoch, clean: hardened.clean, robust: hardened.robust },
    epochs: epochs.map(({ epoch, trainAccuracy, clean, robust }) => ({ epoch, trainAccuracy, clean, robust })),
    seconds,
    threads: runtime.threads,
    parameters: weights.parameters,
    rows: { train: sources.train.rows, watched: sources.validate.rows, boundary: sources.boundary?.rows ?? 0 },
  };
}

const wanted = options.only?.split(",");
const chosen = EXPERIMENTS.filter(
  ({ name, peer: kind }) => (wanted?.includes(name) ?? true) && (kind !== "train" || python !== undefined),
);
const seedsOf = ({ seeds = [0, 1, 2] }) => options.seeds?.split(",").map(Number) ?? seeds;
mkdirSync(out, { recursive: true });
if (folder !== undefined)
  // One seed of each experiment before the next seed: half a table is better than half of the tables.
  for (const seed of new Set(chosen.flatMap(seedsOf)))
    for (const experiment of chosen.filter((one) => seedsOf(one).includes(seed))) {
      const path = `${place(experiment, seed)}.json`;
      if (existsSync(path)) continue;
      console.error(`${new Date().toISOString()} ${experiment.name}, seed ${seed}`);
      writeFileSync(path, `${JSON.stringify(run(experiment, seed), null, 2)}\n`);
    }

const records = readdirSync(out)
  .filter((name) => name.endsWith(".json"))
  .map((name) => readJson(join(out, name)))
  .sort((a, b) => a.seed - b.seed);
console.log(
  tables(
    EXPERIMENTS.map(({ name }) => name),
    records,
  ),
);
if (options.summary !== undefined) writeFileSync(options.summary, `${JSON.stringify(records, null, 1)}\n`);
