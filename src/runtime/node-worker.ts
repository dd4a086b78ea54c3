/**
 * The far side of `node.ts`: holds ONNX Runtime sessions in a worker thread, because their `run` blocks its thread. The main thread has
 * set ORT_DISABLE_TELEMETRY before this file is loaded; setting it here would be too late (a worker's environment is a copy).
 */
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import * as ort from "onnxruntime-node";
import type { DType, Tensor } from "../tensor/tensor.ts";
import {
  BUSY,
  type LoadedPorts,
  type RunResult,
  STOP,
  transferables,
  type WorkerReply,
  type WorkerRequest,
  type WorkerState,
} from "./node-messages.ts";
import type { PortInfo } from "./runtime.ts";

const port = parentPort;
if (port === null) throw new Error("internal: node-worker runs in a worker thread only");
const { state } = workerData as WorkerState;

type OrtTensors = Record<string, ort.Tensor>;

interface Loaded {
  readonly session: ort.InferenceSession;
  /** What its inputs are taken from where a run isn't fed them. */
  readonly kept: OrtTensors;
}

const sessions = new Map<number, Loaded>();
const keepers = new Map<number, OrtTensors>();

function keeper(id: number): OrtTensors {
  const tensors = keepers.get(id);
  if (tensors === undefined) throw new Error("the kept tensors were dropped");
  return tensors;
}

function toOrt(tensors: Readonly<Record<string, Tensor>>): OrtTensors {
  const entries = Object.entries(tensors).map(([name, { dtype, dims, data }]) => [
    name,
    new ort.Tensor(dtype as ort.Tensor.Type, data as ort.Tensor.DataType, dims),
  ]);
  return Object.fromEntries(entries);
}

function fromOrt({ type, dims, data }: ort.Tensor): Tensor {
  return { dtype: type as DType, dims, data: data as Tensor["data"] };
}

function portsOf(metadata: readonly ort.InferenceSession.ValueMetadata[]): PortInfo[] {
  return metadata.flatMap((value) =>
    value.isTensor ? [{ name: value.name, dtype: value.type as DType, dims: [...value.shape] }] : [],
  );
}

async function load(request: WorkerRequest & { kind: "load" }): Promise<LoadedPorts> {
  const kept = request.kept === null ? {} : keeper(request.kept);
  const session = await ort.InferenceSession.create(request.model, {
    graphOptimizationLevel: request.optimization,
    intraOpNumThreads: request.threads,
    interOpNumThreads: 1,
    executionMode: "sequential",
    // A quarter less peak memory for gradients of a ResNet-18, at no visible cost.
    enableMemPattern: false,
    extra: { session: { intra_op: { allow_spinning: request.spinning ? "1" : "0" } } },
    // Errors are thrown, and told once by whoever asked.
    logSeverityLevel: 4,
  });
  sessions.set(request.session, { session, kept });
  return { inputs: portsOf(session.inputMetadata), outputs: portsOf(session.outputMetadata) };
}

async function run(request: WorkerRequest & { kind: "run" }): Promise<RunResult> {
  const loaded = sessions.get(request.session);
  if (loaded === undefined) throw new Error("the session is closed");
  const { session, kept } = loaded;
  const { keep } = request;
  const feeds = toOrt(request.feeds);
  for (const name of session.inputNames) if (!(name in feeds) && name in kept) feeds[name] = kept[name]!;
  const all = () => portsOf(session.outputMetadata).flatMap(({ name }) => (name in keep ? [] : [name]));
  const names = request.outputs ?? all();
  const start = performance.now();
  const results = await session.run(feeds, [...new Set([...names, ...Object.keys(keep)])]);
  const seconds = (performance.now() - start) / 1000;
  const tensors: Record<string, Tensor> = {};
  for (const name of names) tensors[name] = fromOrt(results[name]!);
  for (const [output, name] of Object.entries(keep)) kept[name] = results[output]!;
  return { tensors, seconds, kept: Object.keys(keep) };
}

function read({ kept, names }: WorkerRequest & { kind: "read" }): Record<string, Tensor> {
  const tensors = keeper(kept);
  return Object.fromEntries((names ?? Object.keys(tensors)).map((name) => [name, fromOrt(tensors[name]!)]));
}

async function answer(request: WorkerRequest): Promise<unknown> {
  switch (request.kind) {
    case "hello":
      return ort.env.versions.node ?? ort.env.versions.common;
    case "load":
      return load(request);
    case "run":
      return run(request);
    case "release": {
      const loaded = sessions.get(request.session);
      sessions.delete(request.session);
      await loaded?.session.release();
      return null;
    }
    case "keep":
      keepers.set(request.kept, toOrt(request.tensors));
      return null;
    case "write":
      Object.assign(keeper(request.kept), toOrt(request.tensors));
      return null;
    case "read":
      return read(request);
    case "drop":
      keepers.delete(request.kept);
      return null;
  }
}

/** What is kept as well is copied. */
function movable({ tensors, kept }: RunResult): ArrayBuffer[] {
  return transferables(Object.fromEntries(Object.entries(tensors).filter(([name]) => !kept.includes(name))));
}

function leave(): void {
  Atomics.store(state, BUSY, 0);
  Atomics.notify(state, BUSY);
}

async function reply(to: MessagePort, request: WorkerRequest): Promise<void> {
  try {
    // In this order, so that either the main thread sees that we are busy, or we see that it wants us to stop.
    Atomics.store(state, BUSY, 1);
    if (Atomics.load(state, STOP) === 1) throw new Error("the runtime was closed");
    const value = await answer(request);
    leave();
    const message: WorkerReply = { id: request.id, value };
    to.postMessage(message, request.kind === "run" ? movable(value as RunResult) : []);
  } catch (error) {
    leave();
    const message: WorkerReply = { id: request.id, error: error instanceof Error ? error.message : String(error) };
    to.postMessage(message);
  }
}

// One request at a time: `run` blocks the thread anyway, and its duration would otherwise include that of its neighbours.
let last: Promise<void> = Promise.resolve();
port.on("message", (request: WorkerRequest) => {
  last = last.then(() => reply(port, request));
});
