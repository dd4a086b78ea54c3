/** ONNX Runtime in worker threads: the thread that draws progress or answers requests never runs a model. */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { isMainThread } from "node:worker_threads";
import { BlindspotError, internalError } from "../base/errors.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { Channel } from "./node-channel.ts";
import { type LoadedPorts, type RunResult, transferables } from "./node-messages.ts";
import type { Feeds, KeepOptions, Kept, LoadOptions, PortInfo, Runtime, Session } from "./runtime.ts";

export interface NodeRuntimeOptions {
  /** Worker threads: runs that really overlap. Default: one per core. */
  readonly workers?: number;
  /** Threads inside each run. Default 1: two runs side by side are faster than one run on two threads for all but very large passes. */
  readonly threads?: number;
  /**
   * Whether threads inside a run wait for their next piece of work by spinning (default true). Faster by a little where the cores are theirs alone, slower by
   * half where this process's own thread, or another program, wants one of them.
   */
  readonly spinning?: boolean;
}

/** Workers need the built file: Node 20 can't run TypeScript, and under vitest this module is a .ts file. */
function workerFile(): URL {
  const built = import.meta.url.endsWith(".ts") ? "../../dist/runtime/node-worker.js" : "./node-worker.js";
  const url = new URL(built, import.meta.url);
  if (!existsSync(url))
    throw new BlindspotError({
      code: "E_NOT_BUILT",
      subject: "dist/runtime/node-worker.js",
      expected: "the built worker",
      got: "no such file",
      hint: "Run `npm run build` first.",
    });
  return url;
}

/**
 * ONNX Runtime reads this once, when its library is loaded, from the environment of the process. A worker's own `process.env` is a copy, so
 * only the main thread can switch the telemetry off.
 */
function disableTelemetry(): void {
  if (isMainThread) process.env["ORT_DISABLE_TELEMETRY"] = "1";
  else if (process.env["ORT_DISABLE_TELEMETRY"] !== "1")
    throw new BlindspotError({
      code: "E_TELEMETRY",
      subject: "nodeRuntime",
      got: "a worker thread of a process whose environment lacks ORT_DISABLE_TELEMETRY=1",
      hint: "Set it in the main thread before this worker starts: ONNX Runtime sends telemetry otherwise.",
    });
}

function describeFeeds(feeds: Feeds): string {
  return Object.entries(feeds)
    .map(([name, { dtype, dims }]) => `${name} ${dtype}[${dims.join(",")}]`)
    .join(", ");
}

/** ONNX Runtime's message, with what it was about. Its messages name the node: "Non-zero status code ... running Conv node. Name:'c1'". */
function runtimeProblem(action: "load" | "run", label: string, error: unknown, feeds?: Feeds): unknown {
  if (error instanceof BlindspotError) return error;
  const message = (error instanceof Error ? error.message : String(error)).trim().replaceAll(/\s+/g, " ");
  const node = /running (\w+) node\. Name:'([^']*)'/.exec(message);
  const problem = {
    code: action === "load" ? "E_RUNTIME_LOAD" : "E_RUNTIME_RUN",
    subject: label,
    ...(node === null ? {} : { where: `${node[1]} '${node[2]}'` }),
    got: `ONNX Runtime: ${message}${feeds === undefined ? "" : ` (inputs ${describeFeeds(feeds)})`}`,
    hint: action === "load" ? loadHint(message) : "Check the shape and type of the input against `blindspot inspect`.",
  };
  return new BlindspotError(problem, { cause: error });
}

/** scikit-learn's converter writes the locale en_US into text models, which slim containers lack. */
function loadHint(message: string): string {
  const [, locale] = /locale with name:([^:\s]+)/.exec(message) ?? [];
  if (locale === undefined) return "Check that the file is complete and that ONNX Runtime 1.30 knows its operators.";
  const [language = locale, encoding = "UTF-8"] = locale.split(".");
  return `This machine lacks the locale ${locale}, by which the model's StringNormalizer changes the case of letters. Install it (Debian, Ubuntu: apt-get install locales && localedef -i ${language} -f ${encoding} ${locale}), or export the model with another.`;
}

class NodeSession implements Session {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  busySeconds = 0;
  private readonly id: number;
  private readonly label: string;
  private replicas: readonly Channel[];

  constructor(id: number, label: string, ports: LoadedPorts, replicas: readonly Channel[]) {
    this.id = id;
    this.label = label;
    this.inputs = ports.inputs;
    this.outputs = ports.outputs;
    this.replicas = replicas;
  }

  get concurrency(): number {
    return this.replicas.length;
  }

  async run(
    feeds: Feeds,
    outputs?: readonly string[],
    keep: Readonly<Record<string, string>> = {},
  ): Promise<Record<string, Tensor>> {
    // A replica whose worker died is passed over while another one lives; the last one reports its death.
    const living = this.replicas.filter((replica) => replica.alive);
    const candidates = living.length > 0 ? living : this.replicas;
    if (candidates.length === 0) throw internalError(`${this.label}: run after close`);
    const replica = candidates.reduce((best, other) => (other.load < best.load ? other : best));
    const request = { kind: "run", session: this.id, feeds, outputs: outputs ?? null, keep } as const;
    try {
      const result = (await replica.request(request, transferables(feeds))) as RunResult;
      this.busySeconds += result.seconds;
      return result.tensors;
    } catch (error) {
      throw runtimeProblem("run", this.label, error, feeds);
    }
  }

  async close(): Promise<void> {
    const replicas = this.replicas;
    this.replicas = [];
    await Promise.all(
      replicas
        .filter((replica) => replica.alive)
        .map((replica) => replica.request({ kind: "release", session: this.id }).catch(ignoreDeath)),
    );
  }
}

class NodeKept implements Kept {
  readonly id: number;
  readonly channel: Channel;
  readonly threads: number;

  constructor(id: number, channel: Channel, threads: number) {
    this.id = id;
    this.channel = channel;
    this.threads = threads;
  }

  async read(names?: readonly string[]): Promise<Record<string, Tensor>> {
    const request = { kind: "read", kept: this.id, names: names ?? null } as const;
    return (await this.channel.request(request)) as Record<string, Tensor>;
  }

  async write(tensors: Feeds): Promise<void> {
    await this.channel.request({ kind: "write", kept: this.id, tensors }, transferables(tensors));
  }

  async close(): Promise<void> {
    if (this.channel.alive) await this.channel.request({ kind: "drop", kept: this.id }).catch(ignoreDeath);
  }
}

/** A worker that ended holds no session any more: what was asked for is done. */
function ignoreDeath(): void {}

class NodeRuntime implements Runtime {
  readonly name = "onnxruntime-node";
  readonly provider = "cpu";
  readonly version: string;
  readonly threads: number;
  readonly workers: number;
  private readonly channels: readonly Channel[];
  private readonly threadsPerRun: number;
  private readonly spinning: boolean;
  private nextId = 0;

  constructor(channels: readonly Channel[], threadsPerRun: number, spinning: boolean, version: string) {
    this.channels = channels;
    this.threadsPerRun = threadsPerRun;
    this.spinning = spinning;
    this.threads = channels.length * threadsPerRun;
    this.workers = channels.length;
    this.version = version;
    process.on("exit", this.leaveSync);
  }

  /** Ctrl-C or `process.exit` in the middle of a run must not end in an abort. */
  private readonly leaveSync = (): void => {
    for (const channel of this.channels) channel.leaveSync();
  };

  async load(model: Uint8Array, options: LoadOptions = {}): Promise<Session> {
    const label = options.label ?? "model";
    const kept = options.kept instanceof NodeKept ? options.kept : null;
    const idlest = this.idlest();
    const replicas = kept === null ? idlest.slice(0, Math.max(1, options.replicas ?? idlest.length)) : [kept.channel];
    const session = this.nextId++;
    const request = {
      kind: "load",
      session,
      model,
      threads: options.threads ?? kept?.threads ?? this.threadsPerRun,
      spinning: this.spinning,
      optimization: options.optimization ?? "all",
      kept: kept?.id ?? null,
    } as const;
    try {
      const ports = await Promise.all(replicas.map((replica) => replica.request(request)));
      return new NodeSession(session, label, ports[0] as LoadedPorts, replicas);
    } catch (error) {
      throw runtimeProblem("load", label, error);
    }
  }

  async keep(tensors: Feeds, { worker, threads = this.threadsPerRun }: KeepOptions = {}): Promise<Kept> {
    const channel = worker === undefined ? this.idlest()[0] : this.channels[worker];
    if (channel === undefined) throw internalError(`there is no worker ${worker}`);
    const kept = new NodeKept(this.nextId++, channel, threads);
    await channel.request({ kind: "keep", kept: kept.id, tensors }, transferables(tensors));
    return kept;
  }

  /** Those that live, the one with the fewest requests first; the dead where none lives: they report their death. */
  private idlest(): Channel[] {
    const living = this.channels.filter((channel) => channel.alive);
    return (living.length > 0 ? living : [...this.channels]).sort((a, b) => a.load - b.load);
  }

  async close(): Promise<void> {
    await Promise.all(this.channels.map((channel) => channel.terminate()));
    process.off("exit", this.leaveSync);
  }
}

/**
 * Starts the worker threads. ONNX Runtime's telemetry is switched off for the whole process (`ORT_DISABLE_TELEMETRY=1`).
 * Throws `E_NOT_BUILT` where dist/ is missing, `E_RUNTIME_MISSING` where ONNX Runtime can't be loaded.
 */
export async function nodeRuntime(options: NodeRuntimeOptions = {}): Promise<Runtime> {
  disableTelemetry();
  const file = workerFile();
  const workers = Math.max(1, options.workers ?? availableParallelism());
  const channels = Array.from({ length: workers }, () => new Channel(file));
  try {
    const versions = await Promise.all(channels.map((channel) => channel.request({ kind: "hello" })));
    const threads = Math.max(1, options.threads ?? 1);
    return new NodeRuntime(channels, threads, options.spinning ?? true, String(versions[0]));
  } catch (error) {
    await Promise.all(channels.map((channel) => channel.terminate()));
    throw new BlindspotError(
      {
        code: "E_RUNTIME_MISSING",
        subject: "onnxruntime-node",
        got: error instanceof Error ? error.message : String(error),
        hint: "Install it with `npm install --ignore-scripts`; `blindspot doctor` shows what is missing.",
      },
      { cause: error },
    );
  }
}
