/**
 * The results of docs/results.md, remade: each case runs the command line as a user would type it, and prints what it found beside what others
 * published or measured.
 *
 *   node bench/results.mjs [CASE ...]        all cases take about half an hour on two cores; `--list` names them
 *
 * Needs the data described in docs/results.md, at BLINDSPOT_DATA or ../shared/data.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const data = process.env["BLINDSPOT_DATA"] ?? fileURLToPath(new URL("../../shared/data", import.meta.url));
const MNIST = "idx:mnist/t10k-images-idx3-ubyte.gz,mnist/t10k-labels-idx1-ubyte.gz";
const CIFAR = "records:cifar10/cifar10_exact_subset.bin?shape=32x32x3&layout=hwc&label=first";
const GTSRB = "records:gtsrb/gtsrb_test_32x32_first1500.bin.gz?shape=32x32x3&layout=hwc&label=first";
const float = ["--quantize", "none"];
/** As those who published the figures to compare with: AutoAttack has no attack on labels alone. */
const COMPARED = ["--profile", "white-box,score"];
const marabou = (name) => [
  "--model",
  `mnist/models/marabou_${name}.onnx`,
  "--data",
  MNIST,
  "--threat",
  "linf:0.1",
  ...float,
  "--samples",
  "first:500",
];
const wong = [
  "--model",
  "mnist/models/convex_adv_mnist.onnx",
  "--data",
  MNIST,
  "--threat",
  "linf:0.1",
  ...float,
  "--samples",
  "all",
];
const wongPgd = [
  "--set",
  "pgd.steps=40",
  "--set",
  "pgd.stepSize=0.01",
  "--set",
  "pgd.randomStart=false",
  "--set",
  "pgd.keep=last",
];

/** `atMost`: robust accuracy in percent that the attacks must push below; `near`: a published figure and its tolerance. */
const CASES = {
  "wong-fgsm": { args: [...wong, "--profile", "white-box", "--attacks", "fgsm"], near: [96.1, 0.05] },
  "wong-pgd": { args: [...wong, "--profile", "white-box", "--attacks", "pgd", ...wongPgd], near: [95.94, 0.05] },
  "wong-standard": { args: wong, atLeast: 94.2, atMost: 95.94 },
  "fast-standard": {
    args: [
      "--model",
      "mnist/models/fast_adv_fgsm.onnx",
      "--data",
      MNIST,
      "--threat",
      "linf:0.3",
      ...float,
      "--samples",
      "first:1000",
    ],
    atMost: 80.2,
  },
  "madry-standard": {
    args: [
      "--model",
      "mnist/models/autoattack_tf_mnist.onnx",
      "--data",
      MNIST,
      "--threat",
      "linf:0.3",
      ...float,
      "--samples",
      "first:200",
    ],
    atMost: 88.5,
  },
  resnet8: {
    args: [
      "--model",
      "cifar10/models/mlperf_tiny_resnet8.onnx",
      "--input-range",
      "0..255",
      "--data",
      CIFAR,
      "--samples",
      "all",
      "--threat",
      "linf:1/255",
      "--threat",
      "linf:8/255",
    ],
    atMost: [7, 0],
  },
  "gtsrb-2": {
    args: [
      "--model",
      "gtsrb/models/dogun_simple_cnn_gtsrb.onnx",
      "--data",
      GTSRB,
      "--threat",
      "linf:2/255",
      "--samples",
      "first:300",
    ],
    atMost: 50,
  },
  "gtsrb-8": {
    args: [
      "--model",
      "gtsrb/models/dogun_simple_cnn_gtsrb.onnx",
      "--data",
      GTSRB,
      "--threat",
      "linf:8/255",
      ...float,
      "--samples",
      "first:500",
    ],
    atMost: 9.6,
  },
  "marabou-cnn-max2": { args: marabou("cnn_max_mninst2"), atMost: 4.8 },
  "marabou-cnn-max3": { args: marabou("cnn_max_mninst3") },
  "marabou-2x10": { args: marabou("mnist2x10"), atMost: 0.2 },
  "marabou-2x5-sigmoid": { args: marabou("mnist2x5_sigmoid"), atMost: 2.6 },
  "marabou-5x20-leaky": { args: marabou("mnist5x20_leaky_relu"), atMost: 0 },
  "marabou-robust-sigmoid": { args: marabou("robust_model_sigmoid_linear"), atMost: 78.2 },
  "marabou-softmax": { args: marabou("softmax-last-layer") },
  "marabou-attention": { args: marabou("self-attention-mnist-pgd-medium-sim") },
};

const argsOf = (name) => {
  const { args } = CASES[name];
  return args.includes("--profile") ? args : [...args, ...COMPARED];
};

const asked = process.argv.slice(2);
if (asked.includes("--list")) {
  for (const name of Object.keys(CASES)) console.log(`${name}: blindspot assess ${argsOf(name).join(" ")}`);
  process.exit(0);
}
const unknown = asked.filter((name) => !(name in CASES));
if (unknown.length > 0 || !existsSync(data)) {
  console.error(
    unknown.length > 0 ? `no such case: ${unknown.join(", ")} (--list)` : `no data at ${data} (BLINDSPOT_DATA)`,
  );
  process.exit(2);
}

const out = mkdtempSync(join(tmpdir(), "blindspot-results-"));
const percent = (value) => (100 * value).toFixed(2);
let missed = 0;
for (const name of asked.length > 0 ? asked : Object.keys(CASES)) {
  const { atMost, atLeast, near } = CASES[name];
  const start = performance.now();
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [cli, "assess", ...argsOf(name), "--json", "--quiet", "--out", join(out, name)],
    {
      cwd: data,
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    },
  );
  if (status !== 0) {
    console.log(`${name}: exit ${status}\n${stderr}`);
    missed++;
    continue;
  }
  const result = JSON.parse(stdout);
  const seconds = Math.round((performance.now() - start) / 1e3);
  for (const [i, threat] of result.threats.entries()) {
    const robust = 100 * threat.robustAccuracy.value;
    const ceiling = Array.isArray(atMost) ? atMost[i] : atMost;
    const fine =
      (ceiling === undefined || robust <= ceiling + 1e-9) &&
      (atLeast === undefined || robust >= atLeast) &&
      (near === undefined || Math.abs(robust - near[0]) <= near[1] + 1e-9);
    if (!fine) missed++;
    const attacks = threat.profiles.flatMap(({ attacks }) => attacks);
    const rows = attacks.reduce((sum, { queries }) => sum + queries.total, 0);
    const gradients = attacks.reduce((sum, { gradients }) => sum + gradients.total, 0);
    console.log(
      `${name} ${threat.id}: clean ${percent(result.clean.accuracy)}, robust ${robust.toFixed(2)}${fine ? "" : "  <-- missed"}; ${rows} queries, ${gradients} gradients, ${seconds} s in all`,
    );
    for (const { knowledge, robustAccuracy, attacks: list } of threat.profiles)
      console.log(
        `    ${knowledge} ${percent(robustAccuracy.value)}: ${list.map((a) => `${a.name} ${percent(a.robustAccuracyAfter)}`).join(", ")}`,
      );
    const alone = threat.audit?.attacks.map((a) => `${a.name} ${percent(a.robustAccuracyAfter)}`);
    if (alone !== undefined)
      console.log(`    alone, on the ${threat.audit.samples} of the audit subset: ${alone.join(", ")}`);
  }
  for (const { id, status: outcome, detail } of result.checks)
    if (outcome !== "pass" && outcome !== "skipped") console.log(`    ${outcome}: ${id}: ${detail}`);
}
process.exit(missed > 0 ? 1 : 0);
