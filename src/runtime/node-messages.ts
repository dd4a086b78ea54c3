import type { Tensor } from "../tensor/tensor.ts";
import type { LoadOptions, PortInfo } from "./runtime.ts";

/** What the main thread asks of a worker. `id` names the answer. */
export type WorkerRequest = { readonly id: number } & (
  | { readonly kind: "hello" }
  | {
      readonly kind: "load";
      readonly session: number;
      readonly model: Uint8Array;
      readonly threads: number;
      readonly spinning: boolean;
      readonly optimization: NonNullable<LoadOptions["optimization"]>;
      /** Kept tensors that its inputs are taken from. */
      readonly kept: number | null;
    }
  | {
      readonly kind: "run";
      readonly session: number;
      readonly feeds: Readonly<Record<string, Tensor>>;
      readonly outputs: readonly string[] | null;
      /** Outputs that replace kept tensors. */
      readonly keep: Readonly<Record<string, string>>;
    }
  | { readonly kind: "keep"; readonly kept: number; readonly tensors: Readonly<Record<string, Tensor>> }
  | { readonly kind: "write"; readonly kept: number; readonly tensors: Readonly<Record<string, Tensor>> }
  | { readonly kind: "read"; readonly kept: number; readonly names: readonly string[] | null }
  | { readonly kind: "drop"; readonly kept: number }
  | { readonly kind: "release"; readonly session: number }
);

/** What a worker found out about a model. Outputs that aren't tensors (maps, sequences) are left out: nothing here can use them. */
export interface LoadedPorts {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
}

export interface RunResult {
  readonly tensors: Record<string, Tensor>;
  /** Outputs that are kept here, too. */
  readonly kept: readonly string[];
  /** Time inside the session's `run`, without queueing and transfer. */
  readonly seconds: number;
}

/** `error` is what ONNX Runtime said; the main thread turns it into a problem with a subject and a hint. */
export type WorkerReply = { readonly id: number } & ({ readonly value: unknown } | { readonly error: string });

/**
 * Array buffers of these tensors that may be moved instead of copied. A view of a part of a buffer is copied: moving it would
 * take the rest away from its other users (Node's pooled buffers are such).
 */
export function transferables(tensors: Readonly<Record<string, Tensor>>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of Object.values(tensors)) {
    if (!ArrayBuffer.isView(data) || !(data.buffer instanceof ArrayBuffer)) continue;
    if (data.byteLength === data.buffer.byteLength && data.byteLength > 0) buffers.add(data.buffer);
  }
  return [...buffers];
}

/**
 * Two words shared between the main thread and a worker. A worker thread must not be terminated inside ONNX Runtime: on its way out the
 * library would call into a JavaScript engine that is gone, and abort the process. So the worker says when it is inside (BUSY), and goes in
 * no more once STOP is set.
 */
export const STOP = 0;
export const BUSY = 1;

export interface WorkerState {
  readonly state: Int32Array;
}
