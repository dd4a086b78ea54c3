import type { DType, Tensor } from "../tensor/tensor.ts";

export type Feeds = Readonly<Record<string, Tensor>>;

export interface PortInfo {
  readonly name: string;
  readonly dtype: DType;
  /** Known sizes, or the name of a free dimension. */
  readonly dims: readonly (number | string)[];
}

/** Tensors that stay where models run, by name: weights and momentum go from one run into the next without crossing threads. */
export interface Kept {
  /** Copies of all of them, or of those that are named. Comes after the runs that were asked for before. */
  read(names?: readonly string[]): Promise<Record<string, Tensor>>;
  /** Adds tensors, or puts them in the place of those of the same names. They may be transferred: don't use them afterwards. */
  write(tensors: Feeds): Promise<void>;
  close(): Promise<void>;
}

/** A loaded model. `run` may be called again before an earlier call has resolved: up to `concurrency` runs really overlap, others queue. */
export interface Session {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  readonly concurrency: number;
  /** Time spent inside `run` so far, summed over replicas: what is left of a run's duration is ours. Absent where it isn't measured. */
  readonly busySeconds?: number;
  /**
   * Only the named outputs are computed and returned (default: all). Tensors passed in may be transferred: don't use them afterwards.
   * @param keep outputs, by name, that take the place of the kept tensors named here; returned, too, are those that `outputs` names
   */
  run(
    feeds: Feeds,
    outputs?: readonly string[],
    keep?: Readonly<Record<string, string>>,
  ): Promise<Record<string, Tensor>>;
  close(): Promise<void>;
}

export interface KeepOptions {
  /** Which worker of the runtime they stay in, from 0; by default the one with the least to do. */
  readonly worker?: number;
  /** Threads inside each run of the sessions that take their inputs from here; by default the runtime's. */
  readonly threads?: number;
}

export interface LoadOptions {
  /** Default "all". */
  readonly optimization?: "all" | "basic" | "disabled";
  /** Replicas that may run at once (default: as many as the runtime has workers). */
  readonly replicas?: number;
  /** Threads inside each run (default: the runtime's, or what was asked for where its inputs are kept). */
  readonly threads?: number;
  /** Inputs that a run isn't fed are taken from here, by name. Such a session is where these tensors are: it has one replica. */
  readonly kept?: Kept;
  /** Name for error messages. */
  readonly label?: string;
}

/** Where models run: onnxruntime-node in worker threads, onnxruntime-web, or our float64 reference. */
export interface Runtime {
  readonly name: string;
  readonly version: string;
  readonly provider: string;
  /** Of all workers together. */
  readonly threads: number;
  /** Runs that can overlap, each on its own threads. */
  readonly workers: number;
  /** Bytes of a whole .onnx file, without external data. */
  load(model: Uint8Array, options?: LoadOptions): Promise<Session>;
  /** The tensors may be transferred: don't use them afterwards. */
  keep(tensors: Feeds, options?: KeepOptions): Promise<Kept>;
  close(): Promise<void>;
}
