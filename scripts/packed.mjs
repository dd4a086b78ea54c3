// The package as a user gets it: packed, installed into an empty folder, used from the command line and as a library.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./prepare.mjs";

/** Makes a model and data with the library alone: two classes of 4x4 images, bright on the left or on the right. */
const MAKE = `
import { writeFileSync } from "node:fs";
import { float32, Graph, int64, Model, opBuilder, operators, Rng, writeModel, writeNpz } from "blindspot";
const graph = new Graph("halves");
const op = opBuilder(graph, operators);
const x = op.input("x", { dtype: "float32", shape: ["N", 1, 4, 4] });
const flat = op.Flatten(x);
const side = Array.from({ length: 16 }, (_, i) => (i % 4 < 2 ? 1 : -1));
const logits = op.MatMul(flat, float32([16, 2], side.flatMap((value) => [value, -value])));
logits.name = "logits";
op.output(logits);
writeFileSync("model.onnx", writeModel(new Model(graph, 17)));
const rng = Rng.of(1);
const labels = Array.from({ length: 60 }, (_, i) => i % 2);
const rows = labels.flatMap((label) => side.map((value) => 0.5 + (label === 0 ? 0.1 : -0.1) * value + 0.2 * (rng.uniform() - 0.5)));
writeFileSync("data.npz", writeNpz({ x: float32([60, 4, 4], rows), y: int64([60], labels) }));
`;

const USE = `
import { assess, linf, loadClassifier, openDataset, pgd } from "blindspot";
const model = await loadClassifier("model.onnx", { dims: [4, 4, 1] });
const data = await openDataset("npz:data.npz");
const { result } = await assess({ model, data, threats: [linf(0.2)], attacks: [pgd], samples: 20 });
console.log(JSON.stringify(result.threats[0].robustAccuracy));
await model.close();
`;

/** Packs and installs; returns the counts of its tests. */
export function packedTests(temporary, root) {
  const counts = { passed: 0, failed: 0 };
  const folder = join(temporary, "empty");
  const home = join(temporary, "home");
  mkdirSync(folder);
  mkdirSync(home);

  const check = (name, test) => {
    try {
      test();
      counts.passed++;
      console.log(`ok    ${name}`);
    } catch (error) {
      counts.failed++;
      console.error(`FAIL  ${name}: ${error.message}`);
    }
  };
  const expect = (condition, message) => {
    if (!condition) throw new Error(message);
  };
  const npm = (args, cwd) => {
    const { status, stdout, stderr } = run("npm", args, { cwd, quiet: true });
    expect(status === 0, `npm ${args[0]} failed; the packages must be in npm's cache or reachable\n${stderr}`);
    return stdout;
  };
  // A home of its own shows whatever a run leaves behind.
  const env = { HOME: home, USERPROFILE: home, XDG_CACHE_HOME: "", NODE_PATH: "" };
  const node = (args) => run(process.execPath, args, { cwd: folder, quiet: true, env });
  const cli = (...args) => node([join("node_modules", "blindspot", "dist", "cli", "main.js"), ...args]);
  const script = (name, text) => {
    writeFileSync(join(folder, name), text);
    const { status, stdout, stderr } = node([name]);
    expect(status === 0, stderr);
    return stdout;
  };
  const threat = ["--model", "model.onnx", "--data", "npz:data.npz", "--threat", "linf:0.2"];

  check("packs and installs without install scripts", () => {
    npm(["pack", "--ignore-scripts", "--pack-destination", temporary], root);
    const tarball = readdirSync(temporary).find((name) => name.endsWith(".tgz"));
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
    npm(
      ["install", "--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", join(temporary, tarball)],
      folder,
    );
    expect(existsSync(join(folder, "node_modules", ".bin", "blindspot")), "no command `blindspot`");
  });
  check("the tarball holds no tests", () => {
    const files = readdirSync(join(folder, "node_modules", "blindspot", "dist"), { recursive: true });
    expect(!files.some((name) => String(name).includes(".test.")), "test files were packed");
  });
  check("doctor", () => {
    const { status, stdout, stderr } = cli("doctor");
    expect(status === 0, stdout + stderr);
  });
  check("the library makes a model and data", () => script("make.mjs", MAKE));
  check("the library assesses it", () => {
    const robust = JSON.parse(script("use.mjs", USE));
    expect(robust.of === 20, JSON.stringify(robust));
  });
  check("assess prints the result alone and writes its files", () => {
    const { status, stdout, stderr } = cli("assess", ...threat, "--out", "run", "--json");
    expect(status === 0, stderr);
    const result = JSON.parse(stdout);
    expect(result.status === "complete" && result.clean.of === 60, stdout);
    expect(result.threats[0].robustAccuracy.value < result.clean.accuracy, "no attack succeeded");
    const samples = readFileSync(join(folder, "run", "samples.jsonl"), "utf8")
      .trimEnd()
      .split("\n");
    expect(samples.length === 60, `${samples.length} samples`);
    expect(readdirSync(join(folder, "run", "blobs")).length > 0, "no blobs");
    expect(!readdirSync(join(folder, "run")).some((name) => /partial|tmp/.test(name)), "unfinished files were left");
  });
  check("attack --save writes inputs that succeed when read back", () => {
    const { status, stdout, stderr } = cli("attack", "pgd", ...threat, "--save", "adversarial", "--json");
    expect(status === 0, stderr);
    const { saved } = JSON.parse(stdout)[0];
    expect(saved.of > 0 && saved.succeed === saved.of, JSON.stringify(saved));
  });
  check("exercise finds the bundled example in the package", () => {
    const { status, stdout, stderr } = cli("exercise", "fgsm-by-hand", "--out", "pages");
    const written = existsSync(join(folder, "pages", "fgsm-by-hand.html"));
    expect(status === 0 && stdout.includes("OUTCOME") && written, stderr);
  });
  check("gradient writes a model", () => {
    const { status, stderr } = cli("gradient", "--model", "model.onnx", "--out", "gradient.onnx");
    expect(status === 0 && existsSync(join(folder, "gradient.onnx")), stderr);
  });
  check("an unreadable model is exit code 2 and one message", () => {
    writeFileSync(join(folder, "not.onnx"), "this is not a model");
    const { status, stdout, stderr } = cli("assess", "--model", "not.onnx", ...threat.slice(2));
    expect(
      status === 2 && stdout === "" && stderr.startsWith("E_") && !stderr.includes("    at "),
      `${status} ${stdout} ${stderr}`,
    );
  });
  check("nothing is written to the home folder", () => {
    const left = readdirSync(home, { recursive: true });
    expect(left.length === 0, left.join(", "));
  });
  return counts;
}
