/**
 * Training throughput: `blindspot harden` against the same recipe in PyTorch, in turns on the same cores.
 *
 *   node bench/harden-data.mjs mnist --out FOLDER
 *   node bench/training.mjs --python VENV/bin/python --model M.onnx --folder FOLDER [--set mnist] [--method fgsm-rs] [--eps 0.3]
 *                           [--epochs 2] [--batch 100] [--rounds 5] [--threads 2] [--out bench/results/training.json]
 *
 * Both count rows of training data per second of the loop, crafting included; loading, validation and files are left out on both sides. `--threads`
 * are PyTorch's: where other programs want the cores, two that wait for each other are slower than one. Each round notes the load.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { median, readOptions, report } from "./peer.mjs";

const options = readOptions({
  python: "python3",
  model: undefined,
  folder: undefined,
  set: "mnist",
  method: "fgsm-rs",
  steps: "7",
  eps: "0.3",
  epochs: "2",
  batch: "100",
  rounds: "5",
  threads: "2",
  out: undefined,
});
const { model, folder, set, method, steps, eps, epochs, batch, threads, python } = options;
if (model === undefined || folder === undefined) throw new Error("--model and --folder are needed");
const file = (part) => join(folder, `${set}-${part}.npz`);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

function ours() {
  const out = join(mkdtempSync(join(tmpdir(), "blindspot-training-")), "hardened.onnx");
  const data = ["--data", `npz:${file("train")}`, "--validate", `npz:${file("choose")}`, "--validate-samples", "20"];
  const recipe = ["--method", method, "--threat", `linf:${eps}`, "--quantize", "none", "--epsilon-ramp", "0"];
  const effort = [
    "--epochs",
    epochs,
    "--batch",
    batch,
    ...(method === "pgd" ? ["--steps", steps] : []),
    "--patience",
    "0",
  ];
  const args = [
    "harden",
    "--model",
    model,
    ...data,
    ...recipe,
    ...effort,
    "--no-probe",
    "--json",
    "--quiet",
    "--out",
    out,
  ];
  const { stdout, stderr } = spawnSync(process.execPath, [here("../dist/cli/main.js"), ...args], { encoding: "utf8" });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout).samplesPerSecond;
}

function theirs() {
  const args = ["train", model, file("train"), "--method", method, "--steps", steps, "--eps", eps];
  const effort = ["--epochs", epochs, "--batch", batch, "--threads", threads];
  const { stdout, stderr } = spawnSync(python, [here("peers/harden.py"), ...args, ...effort], { encoding: "utf8" });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout).samplesPerSecond;
}

const rounds = Array.from({ length: Number(options.rounds) }, (_, round) => {
  // Whoever is first has the colder machine: take turns at that too.
  const first = round % 2 === 0 ? { ours: ours() } : { pytorch: theirs() };
  const both = round % 2 === 0 ? { ...first, pytorch: theirs() } : { ...first, ours: ours() };
  return { ...both, load: loadavg()[0] };
});
const samplesPerSecond = {
  ours: median(rounds.map((round) => round.ours)),
  pytorch: median(rounds.map((round) => round.pytorch)),
};
const ratio = median(rounds.map((round) => round.ours / round.pytorch));
report(
  { model: basename(model), set, method, eps, epochs, batch, threads, rounds, samplesPerSecond, ratio },
  options.out,
);
