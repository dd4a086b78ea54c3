import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resultSchema } from "../assess/schema.ts";
import { writeModel } from "../graph/index.ts";
import { decodeModel, encodeModel } from "../onnx/index.ts";
import { float32, int64, type Tensor } from "../tensor/tensor.ts";
import { type Ended, MAIN, runBuilt } from "./built.test.fixture.ts";
import { halvesData, halvesModel, vectorModel, writeFiles } from "./halves.test.fixture.ts";

const GOOD = ["--model", "model.onnx", "--data", "npz:data.npz", "--threat", "linf:0.2"];
let folder: string;

const blindspot = (...args: string[]) => runBuilt(folder, args);

/** A file that our own writer would refuse: two Relus behind the logits, their names changed in the bytes. */
function misnamed(
  change: (first: { input: string[]; output: string[] }, second: { input: string[]; output: string[] }) => void,
): Uint8Array {
  const proto = decodeModel(writeModel(halvesModel((op, logits) => op.Relu(op.Relu(logits)))));
  const [first, second] = proto.graph!.node.slice(-2);
  change(first!, second!);
  return encodeModel(proto);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-cli-"));
  const { x, y } = halvesData();
  const values = Float32Array.from(x.data as Float32Array);
  const nan = Float32Array.from(values);
  nan[37] = Number.NaN;
  const bytes = writeModel(halvesModel());
  writeFiles(folder, {
    "model.onnx": bytes,
    "surrogate.onnx": halvesModel((op, logits) => op.Mul(logits, float32([1], [3]))),
    "truncated.onnx": bytes.subarray(0, bytes.length - 40),
    "not.onnx": "this is not a model",
    "empty.onnx": "",
    "cyclic.onnx": misnamed((first, second) => {
      first.input = [...second.output];
    }),
    "duplicate.onnx": misnamed((first, second) => {
      first.output = [...second.output];
    }),
    // ONNX Runtime runs Det; Blindspot has no gradient for it.
    "no-gradient.onnx": halvesModel((op, logits, input) => op.Add(logits, op.Det(input))),
    "data.npz": { x, y },
    "labels.npz": {
      x,
      y: int64(
        [60],
        Array.from({ length: 60 }, (_, i) => i % 5),
      ),
    },
    "shape.npz": { x: float32([60, 5, 5], new Float32Array(60 * 25)), y },
    "nan.npz": { x: float32([60, 4, 4], nan), y },
    "range.npz": {
      x: float32(
        [60, 4, 4],
        values.map((value) => 255 * value),
      ),
      y,
    },
    "short.npz": { x, y: int64([59], new Array<number>(59).fill(0)) },
    "blindspot.json": JSON.stringify({ samples: 20, attacks: ["fgsm"], json: true }),
    // The same rows, each pixel a feature with a box of its own.
    "boxes.csv": csvOf(values, y),
    "vector.onnx": vectorModel(BOXES),
    "broken-classes.json": '["left", "right"',
    "no-classes.txt": "\n",
    "wrong.json": JSON.stringify({ sample: 20 }),
  });
  mkdirSync(join(folder, "nothing"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What `--input-range` says of the vectors: feature i lies in -i..i + 1, the last one is constant. */
const BOXES = Array.from({ length: 17 }, (_, i) => [-i, i < 16 ? i + 1 : -i] as const);
const RANGES = BOXES.map(([low, high]) => `${low}..${high}`).join(",");

function csvOf(values: Float32Array, labels: Tensor): string {
  const names = BOXES.map((_, i) => `f${i}`).join(",");
  const lines = Array.from(labels.data as BigInt64Array, (label, row) => {
    const cells = BOXES.map(([low, high], i) => low + (high - low) * (i < 16 ? values[16 * row + i]! : 0));
    return `${cells.join(",")},${label}`;
  });
  return [`${names},side`, ...lines, ""].join("\n");
}

const swap = (from: string, to: string) => ["assess", ...GOOD.map((word) => (word === from ? to : word))];

describe("input that cannot be read: one message, exit code 2, nothing written", () => {
  it.concurrent.each<[string, string[], RegExp]>([
    ["a truncated model", swap("model.onnx", "truncated.onnx"), /truncated\.onnx/],
    ["a file that is no model", swap("model.onnx", "not.onnx"), /not\.onnx/],
    ["an empty model", swap("model.onnx", "empty.onnx"), /empty\.onnx/],
    ["a missing model", swap("model.onnx", "missing.onnx"), /missing\.onnx/],
    ["a cyclic graph", swap("model.onnx", "cyclic.onnx"), /E_MODEL_CYCLE/],
    ["duplicate names", swap("model.onnx", "duplicate.onnx"), /E_MODEL_DUPLICATE_NAME/],
    ["an endpoint without an adapter", swap("model.onnx", "https://localhost/model"), /E_ADAPTER/],
    ["labels that do not fit", swap("npz:data.npz", "npz:labels.npz"), /label/i],
    ["images of another shape", swap("npz:data.npz", "npz:shape.npz"), /5x5|\[.*5,5.*\]/],
    ["NaN", swap("npz:data.npz", "npz:nan.npz"), /nan/i],
    ["values outside the range", swap("npz:data.npz", "npz:range.npz"), /range/i],
    ["fewer labels than images", swap("npz:data.npz", "npz:short.npz"), /59/],
    ["an empty folder", swap("npz:data.npz", "folder:nothing"), /nothing/],
    ["a missing file of data", swap("npz:data.npz", "npz:missing.npz"), /missing\.npz/],
    ["an unknown kind of data", swap("npz:data.npz", "parquet:data"), /parquet/],
    ["an unknown threat", swap("linf:0.2", "linff:0.2"), /E_THREAT_KIND/],
    ["a threat of grey levels", swap("linf:0.2", "linf:8"), /linf:8\/255/],
    ["an unknown attack", ["assess", ...GOOD, "--attacks", "pgdd"], /Did you mean 'pgd'\?/],
    ["an unknown attack by name", ["attack", "sqare", ...GOOD], /Did you mean 'square'\?/],
    ["an unknown setting", ["assess", ...GOOD, "--attacks", "pgd", "--set", "pgd.stepsize=0.1"], /stepSize/],
    [
      "a gradient attack without gradients",
      ["assess", ...swap("model.onnx", "no-gradient.onnx").slice(1), "--attacks", "pgd"],
      /score attack/,
    ],
    ["a transfer attack without a surrogate", ["assess", ...GOOD, "--attacks", "mi-fgsm"], /--surrogate/],
    ["an unknown option", ["assess", ...GOOD, "--sample", "5"], /--samples/],
    ["an unknown command", ["asses"], /assess/],
    ["options that are missing", ["assess"], /--model[\s\S]*--data[\s\S]*--threat/],
    [
      "an unknown key in a config file",
      ["assess", ...GOOD, "--config", "wrong.json"],
      /E_CONFIG_KEY wrong\.json, sample/,
    ],
    ["class names in broken JSON", ["assess", ...GOOD, "--classes", "broken-classes.json"], /E_CLASSES/],
    ["no class names", ["assess", ...GOOD, "--classes", "no-classes.txt"], /E_CLASSES.*no names/],
    ["class names that are no file", ["assess", ...GOOD, "--classes", "nothing.txt"], /no such file/],
    ["a gradient over its own model", ["gradient", "--model", "model.onnx", "--out", "./model.onnx"], /E_OUT/],
    [
      "boxes of too few features",
      [
        "assess",
        "--model",
        "vector.onnx",
        "--data",
        "csv:boxes.csv?label=side",
        "--threat",
        "linf:0.2",
        "--input-range",
        "0..1,0..2",
      ],
      /--input-range.*17 values.*2/,
    ],
    ["a mask of another shape", ["assess", ...GOOD, "--mask", "data.npz"], /data\.npz/],
    ["a folder of something else as --out", ["assess", ...GOOD, "--out", "."], /E_OUT_NOT_EMPTY/],
    [
      "a gradient of what has none",
      ["gradient", "--model", "no-gradient.onnx", "--out", "g.onnx"],
      /E_OP_NO_GRADIENT.*Det/,
    ],
  ])("%s", async (_name, args, message) => {
    const before = readdirSync(folder).sort();
    const { code, stdout, stderr } = await blindspot(...args);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^E_[A-Z0-9_]+ /);
    expect(stderr).not.toContain("    at ");
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  it("shows a stack with --debug", async () => {
    const { stderr } = await blindspot(...swap("model.onnx", "not.onnx"), "--debug");
    expect(stderr).toContain("    at ");
  });
});

describe("assess", () => {
  it("prints the result alone with --json, and keeps to a config file", async () => {
    const { code, stdout, stderr } = await blindspot(
      "assess",
      ...GOOD,
      "--config",
      "blindspot.json",
      "--out",
      "config",
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const result = resultSchema.parse(JSON.parse(stdout));
    expect(result.clean.of).toBe(20);
    expect(result.threats[0]!.profiles[0]!.attacks.map(({ name }) => name)).toEqual(["fgsm"]);
    expect(readFileSync(join(folder, "config", "result.json"), "utf8")).toBe(stdout);
  });

  it("runs the black-box part of a suite on a model without gradients, and says what it left out", async () => {
    const args = [
      "assess",
      ...swap("model.onnx", "no-gradient.onnx").slice(1),
      "--attacks",
      "quick",
      "--json",
      "--out",
      "black",
    ];
    const { code, stdout } = await blindspot(...args);
    expect(code).toBe(0);
    const result = resultSchema.parse(JSON.parse(stdout));
    expect(result.threats[0]!.profiles.map(({ knowledge }) => knowledge)).toEqual(["score", "label"]);
    expect(result.notTested.join()).toContain("pgd: the model gives no gradients");
    expect(result.checks.find(({ id }) => id === "gradients-zero")?.status).toBe("skipped");
  });

  it("adds the transfer profile with a surrogate", async () => {
    const args = [
      "assess",
      ...GOOD,
      "--surrogate",
      "surrogate.onnx",
      "--attacks",
      "quick",
      "--json",
      "--out",
      "transfer",
    ];
    const result = resultSchema.parse(JSON.parse((await blindspot(...args)).stdout));
    expect(result.threats[0]!.profiles.map(({ knowledge }) => knowledge)).toEqual([
      "white-box",
      "score",
      "label",
      "transfer",
    ]);
  });

  it("ends with 1 where a stated gate failed", async () => {
    const { code, stderr } = await blindspot(
      "assess",
      ...GOOD,
      "--attacks",
      "fgsm",
      "--fail-under",
      "0.99",
      "--out",
      "gate",
      "--quiet",
    );
    expect({ code, stderr }).toMatchObject({ code: 1, stderr: expect.stringContaining("E_GATE") });
  });

  it("ends with 3 where nothing was evaluated", async () => {
    const { code, stderr } = await blindspot("assess", ...GOOD, "--time", "0.000001", "--out", "time", "--quiet");
    expect({ code, stderr }).toMatchObject({ code: 3, stderr: expect.stringContaining("E_NOT_EVALUATED") });
  });

  it("shows its plan without attacking", async () => {
    const { code, stdout } = await blindspot("assess", ...GOOD, "--dry-run");
    expect(code).toBe(0);
    expect(stdout).toMatch(/60 samples[\s\S]*apgd-ce[\s\S]*square[\s\S]*At most about/);
  });

  it.skipIf(process.platform === "win32")("leaves an honest partial result on ctrl-C, and resumes", async () => {
    // Square with so many queries that no sample which stands is finished soon.
    const args = [
      "assess",
      ...GOOD,
      "--attacks",
      "fgsm,square",
      "--set",
      "square.queries=3000000",
      "--threat",
      "linf:0.001",
      "--out",
      "stopped",
    ];
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder });
    const ended = collect(child);
    await waitFor(() => lines("stopped/samples.jsonl.partial") > 3);
    // Under npx it comes twice: from the terminal, and passed on.
    child.kill("SIGINT");
    await new Promise((resolve) => setTimeout(resolve, 5));
    child.kill("SIGINT");
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(130);
    expect(stdout).toContain("partial");
    expect(stderr).toContain("Resume with");
    const partial = resultSchema.parse(JSON.parse(readFileSync(join(folder, "stopped", "result.json"), "utf8")));
    expect(partial.status).toBe("partial");
    expect(partial.clean.of).toBe(new Set(samples("stopped").map(({ index }) => index)).size);
    expect(readdirSync(join(folder, "stopped")).filter((name) => /partial|tmp/.test(name))).toEqual([]);
    const before = samples("stopped").length;
    const again = await blindspot(...args, "--time", "1");
    // Cut short by --time: partial, and not an error.
    expect(again.code).toBe(0);
    expect(again.stderr).toContain(`Resuming: ${before} of 120 were finished before`);
  });
});

function samples(name: string): { index: number }[] {
  return readFileSync(join(folder, name, "samples.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as { index: number });
}

function lines(name: string): number {
  const path = join(folder, name);
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0;
}

async function waitFor(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !condition(); tries++) await new Promise((resolve) => setTimeout(resolve, 50));
  if (!condition()) throw new Error("waited in vain");
}

function collect(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout!.on("data", (text) => (stdout += text));
  child.stderr!.on("data", (text) => (stderr += text));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code: code ?? -1, stdout, stderr })));
}

describe("the other commands", () => {
  it("attack --save writes inputs that still succeed when they are read back", async () => {
    for (const [quantize, files] of [
      ["none", /^adversarial\.npz$/],
      ["uint8", /^\d+-0-taken-for-1\.png$|^\d+-1-taken-for-0\.png$/],
    ] as const) {
      const { code, stdout, stderr } = await blindspot(
        "attack",
        "pgd",
        ...GOOD,
        "--quantize",
        quantize,
        "--save",
        `saved-${quantize}`,
        "--json",
      );
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const [{ saved, attackSuccess }] = JSON.parse(stdout);
      expect(saved).toMatchObject({ of: attackSuccess.fooled, succeed: attackSuccess.fooled });
      expect(saved.of).toBeGreaterThan(0);
      for (const name of readdirSync(join(folder, `saved-${quantize}`))) expect(name).toMatch(files);
    }
  });

  it("attack says that it was cut short", async () => {
    const slow = ["attack", "square", ...GOOD.slice(0, 4), "--threat", "linf:0.001", "--set", "square.queries=3000000"];
    const { code, stdout } = await blindspot(...slow, "--time", "1", "--samples", "10", "--seed", "1");
    // Nothing that stands is finished in a second.
    expect(stdout).toContain("cut short: 10 of 10 samples are not finished");
    expect(code).toBe(3);
  });

  it("attacks vectors with a box for each feature, and writes them in the user's own units", async () => {
    const common = ["--model", "vector.onnx", "--input-range", RANGES, "--threat", "linf:0.2", "--json"];
    const data = ["--data", "csv:boxes.csv?label=side"];
    const { code, stdout, stderr } = await blindspot(
      "attack",
      "pgd",
      ...common,
      ...data,
      "--threat",
      "l2:0.5",
      "--save",
      "boxes",
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const reports = JSON.parse(stdout) as { saved: { directory: string; of: number; succeed: number } }[];
    expect(new Set(reports.map(({ saved }) => saved.directory)).size).toBe(2);
    for (const { saved } of reports) {
      expect(saved.of).toBeGreaterThan(0);
      expect(saved.succeed).toBe(saved.of);
      const file = `npz:${saved.directory}/adversarial.npz`;
      const again = await blindspot(
        "assess",
        ...common,
        "--data",
        file,
        "--attacks",
        "fgsm",
        "--no-probe",
        "--out",
        `${saved.directory}-run`,
      );
      expect(resultSchema.parse(JSON.parse(again.stdout)).clean).toMatchObject({ correct: 0, of: saved.of });
    }
  });

  it("transfer prints the matrix", async () => {
    const args = ["transfer", "--models", "model.onnx", "surrogate.onnx", ...GOOD.slice(2), "--json"];
    const { code, stdout, stderr } = await blindspot(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const cells = JSON.parse(stdout) as { from: string; to: string; of: number; fooled: number }[];
    expect(cells.map(({ from, to }) => `${from} ${to}`)).toEqual([
      "model.onnx model.onnx",
      "model.onnx surrogate.onnx",
      "surrogate.onnx model.onnx",
      "surrogate.onnx surrogate.onnx",
    ]);
    for (const cell of cells) expect(cell).toMatchObject({ of: 60, fooled: expect.any(Number) });
  });

  it("inspect names what a model is and what it lacks", async () => {
    const { code, stdout } = await blindspot("inspect", "no-gradient.onnx", "--data", "npz:data.npz");
    expect(code).toBe(0);
    expect(stdout).toMatch(/inputs +x float32\[N,1,4,4\]/);
    expect(stdout).toMatch(/Det +1 +none/);
    expect(stdout).toMatch(/--input-range 0\.\.1 +60 of 60 right/);
  });

  it("gradient writes a model with the promised ports", async () => {
    const { code, stdout } = await blindspot("gradient", "--model", "model.onnx", "--out", "gradient.onnx");
    expect(code).toBe(0);
    expect(stdout).toMatch(/labels int64\[N\][\s\S]*loss float32\[N\], grad_x float32\[N,1,4,4\]/);
    expect(existsSync(join(folder, "gradient.onnx"))).toBe(true);
    const json = await blindspot("gradient", "--model", "model.onnx", "--out", "gradient.onnx", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({
      file: "gradient.onnx",
      inputs: [{ name: "x" }, { name: "labels" }],
    });
  });

  it.each([["--help"], ["assess --help"], ["transfer --help"], ["--version"], ["attacks"], ["doctor"]])(
    "%s is exit code 0",
    async (line) => {
      const { code, stdout, stderr } = await blindspot(...line.split(" "));
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout.length).toBeGreaterThan(4);
    },
  );
});
