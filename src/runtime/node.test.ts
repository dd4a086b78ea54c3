import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Graph, Model, opBuilder, writeModel } from "../graph/index.ts";
import type { Value } from "../graph/ir.ts";
import { operators } from "../ops/index.ts";
import { float32, int64Vector } from "../tensor/tensor.ts";
import { nodeRuntime } from "./node.ts";
import type { Runtime } from "./runtime.ts";

/** y = x w^T, and the same number of rows as int64. */
function linearModel(features = 3, outputs = 2): Uint8Array {
  const graph = new Graph("linear");
  const op = opBuilder(graph, operators);
  const x = op.input("x", { dtype: "float32", shape: ["N", features] });
  const w = op.initializer(
    "w",
    float32(
      [features, outputs],
      Array.from({ length: features * outputs }, (_, i) => i + 1),
    ),
  );
  for (const [name, value] of [
    ["y", op.MatMul(x, w)],
    ["shape", op.Shape(x)],
  ] as const) {
    value.name = name;
    op.output(value);
  }
  return writeModel(new Model(graph, 18));
}

describe("nodeRuntime", () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await nodeRuntime({ workers: 2, threads: 1 });
  });
  afterAll(() => runtime.close());

  it("says what it is", () => {
    expect(runtime).toMatchObject({ name: "onnxruntime-node", provider: "cpu", threads: 2 });
    expect(runtime.version).toMatch(/^\d+\.\d+\.\d+/);
  });

  it("runs a model, and only the outputs that are asked for", async () => {
    const session = await runtime.load(linearModel());
    expect(session.inputs).toEqual([{ name: "x", dtype: "float32", dims: ["N", 3] }]);
    expect(session.outputs.map(({ name, dtype }) => [name, dtype])).toEqual([
      ["y", "float32"],
      ["shape", "int64"],
    ]);
    const feeds = () => ({ x: float32([2, 3], [1, 0, 0, 1, 1, 1]) });
    const all = await session.run(feeds());
    expect(all["y"]).toEqual(float32([2, 2], [1, 2, 9, 12]));
    expect(all["shape"]).toEqual(int64Vector([2, 3]));
    expect(Object.keys(await session.run(feeds(), ["y"]))).toEqual(["y"]);
    expect(session.busySeconds).toBeGreaterThan(0);
    await session.close();
  });

  it("moves whole arrays and leaves shared buffers alone", async () => {
    const session = await runtime.load(linearModel());
    const whole = new Float32Array(3);
    await session.run({ x: float32([1, 3], whole) });
    expect(whole.length).toBe(0);
    const shared = new Float32Array([9, 1, 0, 0]);
    const { y } = await session.run({ x: float32([1, 3], shared.subarray(1)) });
    expect(shared).toEqual(new Float32Array([9, 1, 0, 0]));
    expect(y!.data).toEqual(new Float32Array([1, 2]));
    await session.close();
  });

  it("answers runs that were started together, each with its own rows", async () => {
    const session = await runtime.load(linearModel());
    expect(session.concurrency).toBe(2);
    const runs = Array.from({ length: 20 }, (_, i) => session.run({ x: float32([1, 3], [i, 0, 0]) }, ["y"]));
    const results = await Promise.all(runs);
    expect(results.map(({ y }) => (y!.data as Float32Array)[0])).toEqual(runs.map((_, i) => i));
    const single = await runtime.load(linearModel(), { replicas: 1 });
    expect(single.concurrency).toBe(1);
    await Promise.all([session.close(), single.close()]);
  });

  it("keeps tensors between runs, for all sessions that are loaded with them", async () => {
    const op = opBuilder(new Graph(), operators);
    const [w, x] = ["w", "x"].map((name) => op.input(name, { dtype: "float32", shape: [2] })) as [Value, Value];
    for (const [name, value] of Object.entries({ sum: op.Add(w, x), product: op.Mul(w, x) })) {
      value.name = name;
      op.output(value);
    }
    const bytes = writeModel(new Model(op.graph, 18));
    const kept = await runtime.keep({ w: float32([2], [1, 2]) });
    const [adding, other] = await Promise.all([runtime.load(bytes, { kept }), runtime.load(bytes, { kept })]);
    const feeds = () => ({ x: float32([2], [10, 10]) });
    // Asked for at once: they come one after the other, where the tensors are.
    const [first, second, multiplied, given] = await Promise.all([
      adding.run(feeds(), ["product"], { sum: "w" }),
      adding.run(feeds(), undefined, { sum: "w" }),
      other.run(feeds(), ["product"]),
      other.run({ ...feeds(), w: float32([2], [0, 1]) }, ["product"]),
    ]);
    expect([first, second].map((result) => Object.keys(result))).toEqual([["product"], ["product"]]);
    expect(second["product"]).toEqual(float32([2], [110, 120]));
    expect(multiplied["product"]).toEqual(float32([2], [210, 220]));
    expect(given["product"]).toEqual(float32([2], [0, 10]));
    expect(await kept.read()).toEqual({ w: float32([2], [21, 22]) });
    expect(await kept.read(["w"])).toEqual({ w: float32([2], [21, 22]) });
    await kept.close();
    await expect(runtime.load(bytes, { kept })).rejects.toThrow(/kept tensors were dropped/);
    await Promise.all([adding.close(), other.close()]);
  });

  it("leaves the event loop free while a model runs", async () => {
    const session = await runtime.load(linearModel(1024, 2048));
    const rows = 512;
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const start = performance.now();
    await Promise.all(
      Array.from({ length: 4 }, () => session.run({ x: float32([rows, 1024], new Float32Array(rows * 1024)) }, ["y"])),
    );
    const elapsed = performance.now() - start;
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(elapsed / 20);
    await session.close();
  });

  it("names the model, the node and what went in", async () => {
    await expect(runtime.load(new Uint8Array([1, 2, 3]), { label: "broken.onnx" })).rejects.toMatchObject({
      code: "E_RUNTIME_LOAD",
      message: expect.stringMatching(/broken\.onnx.*ONNX Runtime/),
    });
    const session = await runtime.load(linearModel(), { label: "linear.onnx" });
    await expect(session.run({ x: float32([1, 4], [1, 2, 3, 4]) })).rejects.toMatchObject({
      code: "E_RUNTIME_RUN",
      message: expect.stringMatching(/linear\.onnx.*x float32\[1,4\]/),
    });
    await session.close();
  });

  it("says which locale is missing, and how to get it", async () => {
    const graph = new Graph("text");
    const op = opBuilder(graph, operators);
    const text = op.input("text", { dtype: "string", shape: ["N"] });
    const lower = op.StringNormalizer(text, { case_change_action: "LOWER", locale: "xx_XX.UTF-8" });
    Object.assign(lower, { name: "lower", dtype: "string", shape: ["N"] });
    op.output(lower);
    await expect(runtime.load(writeModel(new Model(graph, 18)))).rejects.toThrow(
      /lacks the locale xx_XX\.UTF-8.*localedef -i xx_XX -f UTF-8 xx_XX\.UTF-8/,
    );
  });

  it("fails what is under way when it is closed", async () => {
    const other = await nodeRuntime({ workers: 1 });
    const session = await other.load(linearModel(512, 512));
    const pending = session.run({ x: float32([2048, 512], new Float32Array(2048 * 512)) });
    const failure = expect(pending).rejects.toMatchObject({ code: "E_RUNTIME_WORKER" });
    await other.close();
    await failure;
  });
});

describe("a process of its own", () => {
  const folder = mkdtempSync(join(tmpdir(), "blindspot-telemetry-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const model = join(folder, "model.onnx");
  writeFileSync(model, linearModel());
  const built = new URL("../../dist/runtime/node.js", import.meta.url).href;
  const feed = `{ x: { dtype: "float32", dims: [1, 3], data: new Float32Array(3) } }`;
  // Ends by itself: idle workers must not keep the process alive.
  const ours = `
    import { readFileSync } from "node:fs";
    import { nodeRuntime } from ${JSON.stringify(built)};
    const runtime = await nodeRuntime();
    const session = await runtime.load(readFileSync(${JSON.stringify(model)}));
    await session.run(${feed});`;
  // Ends in the middle of a run, as ctrl-C does.
  const interrupted = `${ours}
    const rows = 2 ** 20;
    session.run({ x: { dtype: "float32", dims: [rows, 3], data: new Float32Array(rows * 3) } }).catch(() => {});
    setTimeout(() => process.exit(42), 1);`;
  const plain = `
    import ort from "onnxruntime-node";
    const session = await ort.InferenceSession.create(${JSON.stringify(model)});
    await session.run({ x: new ort.Tensor("float32", new Float32Array(3), [1, 3]) });`;
  const root = fileURLToPath(new URL("../..", import.meta.url));

  /** Runs a script with a HOME of its own; returns what it wrote there. */
  async function filesWritten(name: string, script: string, wrapper: readonly string[] = []): Promise<string[]> {
    const home = mkdtempSync(join(folder, `${name}-`));
    // Nothing inherited: ONNX Runtime stays silent under CI=true, and the control would show nothing.
    const command = [...wrapper, process.execPath, "--input-type=module", "-e", script];
    const options = { env: { PATH: process.env["PATH"], HOME: home }, cwd: root, timeout: 60_000 };
    await promisify(execFile)(command[0]!, command.slice(1), options);
    return readdirSync(home, { recursive: true, encoding: "utf8" });
  }

  const linux = process.platform === "linux";
  const strace = linux && hasCommand("strace");

  it("can exit while a model runs", async () => {
    await expect(filesWritten("interrupted", interrupted)).rejects.toMatchObject({ code: 42, signal: null });
  });

  it("leaves nothing in a fresh HOME", async () => {
    expect(await filesWritten("ours", ours)).toEqual([]);
  });

  it.runIf(linux)("would leave something if it were on", async () => {
    expect((await filesWritten("plain", plain)).length).toBeGreaterThan(0);
  });

  it.runIf(strace)("attempts no connection", async () => {
    const log = join(folder, "connect.log");
    await filesWritten("traced", ours, ["strace", "-f", "-qq", "-e", "trace=connect", "-o", log]);
    const remote = readFileSync(log, "utf8")
      .split("\n")
      .filter((line) => line.includes("connect(") && !/AF_UNIX|AF_LOCAL/.test(line));
    expect(remote).toEqual([]);
  });
});

function hasCommand(name: string): boolean {
  try {
    execFileSync(name, ["-V"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
