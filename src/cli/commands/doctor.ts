import { availableParallelism, freemem, totalmem } from "node:os";
import { withGradient } from "../../autodiff/index.ts";
import { sharpImages } from "../../data/index.ts";
import { Graph, Model, opBuilder, writeModel } from "../../graph/index.ts";
import { operators } from "../../ops/index.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import { float32, int64Vector } from "../../tensor/tensor.ts";
import type { Given } from "../options.ts";
import { version } from "../version.ts";

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

const LEAST_NODE = [20, 19] as const;

export async function run(given: Given): Promise<number> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const nodeFits = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const findings: Finding[] = [
    { what: "blindspot", ok: true, detail: version() },
    {
      what: "Node.js",
      ok: nodeFits,
      detail: `${process.versions.node}${nodeFits ? "" : `: needs ${LEAST_NODE.join(".")} or later`}`,
    },
    {
      what: "machine",
      ok: true,
      detail: `${process.platform} ${process.arch}, ${availableParallelism()} cores, ${gib(freemem())} of ${gib(totalmem())} free`,
    },
    await check(
      "ONNX Runtime",
      runtimeCheck,
      "Install again: npm install --ignore-scripts (its own install script needs the internet and is not needed)",
    ),
    await check("images (sharp)", imageCheck, "Install again on this platform: npm install --ignore-scripts"),
    {
      what: "telemetry",
      ok: process.env["ORT_DISABLE_TELEMETRY"] === "1",
      detail: "ONNX Runtime's is off; Blindspot has none",
    },
  ];
  if (given.json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
  else
    process.stdout.write(
      findings.map(({ what, ok, detail }) => `${ok ? "ok  " : "FAIL"}  ${what.padEnd(16)}${detail}\n`).join(""),
    );
  return findings.every(({ ok }) => ok) ? 0 : 3;
}

async function check(what: string, test: () => Promise<string>, hint: string): Promise<Finding> {
  try {
    return { what, ok: true, detail: await test() };
  } catch (error) {
    return { what, ok: false, detail: `${(error as Error).message}. ${hint}` };
  }
}

/** Writes a model, differentiates it, and runs the result: everything that an attack needs. */
async function runtimeCheck(): Promise<string> {
  const graph = new Graph("doctor");
  const op = opBuilder(graph, operators);
  const x = op.input("x", { dtype: "float32", shape: ["N", 2] });
  const logits = op.MatMul(x, float32([2, 2], [1, 0, 0, 1]));
  logits.name = "logits";
  op.output(logits);
  const gradient = withGradient(new Model(graph, 18), { table: operators, loss: "margin" });
  const runtime = await nodeRuntime({ workers: 1 });
  try {
    const session = await runtime.load(writeModel(gradient));
    const feeds = { x: float32([2, 2], [1, 0, 0, 1]), labels: int64Vector([0, 1]) };
    const { grad_x: result } = await session.run(feeds, ["grad_x"]);
    const got = Array.from(result!.data as Float32Array).join(" ");
    // The margin of class 0 is z1 - z0, that of class 1 is z0 - z1.
    if (got !== "-1 1 1 -1") throw new Error(`a gradient came out as ${got}`);
    return `${runtime.name} ${runtime.version}, ${runtime.provider}: gradients are right`;
  } finally {
    await runtime.close();
  }
}

async function imageCheck(): Promise<string> {
  const pixels = { height: 1, width: 2, channels: 3, data: Uint8Array.of(0, 1, 2, 253, 254, 255) };
  const back = await sharpImages.decode(await sharpImages.encode(pixels));
  if (back.data.join() !== pixels.data.join()) throw new Error("a PNG came back changed");
  return "a PNG came back as it was written";
}
