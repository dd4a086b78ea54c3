import { type ResourceLimits, Worker } from "node:worker_threads";
import { BlindspotError } from "../base/errors.ts";
import { BUSY, STOP, type WorkerReply, type WorkerRequest, type WorkerState } from "./node-messages.ts";

/** Omit, on each member of a union. */
type Body<Request> = Request extends { id: number } ? Omit<Request, "id"> : never;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** One worker thread and the requests that it has not answered yet. An idle worker doesn't keep the process alive. */
export class Channel {
  private readonly worker: Worker;
  private readonly state = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  private readonly waiting = new Map<number, Waiting>();
  private nextId = 0;
  private death: BlindspotError | null = null;

  constructor(file: URL, limits: ResourceLimits = {}) {
    const workerData: WorkerState = { state: this.state };
    // Flags of the process (`--input-type`, `--import`, ...) are not meant for this file.
    this.worker = new Worker(file, { workerData, execArgv: [], resourceLimits: limits });
    this.worker.unref();
    this.worker.on("message", (reply: WorkerReply) => {
      const waiting = this.waiting.get(reply.id);
      this.waiting.delete(reply.id);
      if (this.waiting.size === 0) this.worker.unref();
      if ("error" in reply) waiting?.reject(new Error(reply.error));
      else waiting?.resolve(reply.value);
    });
    this.worker.on("error", (error) => this.die(error instanceof Error ? error.message : String(error), error));
    this.worker.on("exit", (code) => this.die(`the thread ended with code ${code}`));
  }

  get alive(): boolean {
    return this.death === null;
  }

  /** Requests under way. */
  get load(): number {
    return this.waiting.size;
  }

  request(body: Body<WorkerRequest>, transfer: ArrayBuffer[] = []): Promise<unknown> {
    if (this.death !== null) return Promise.reject(this.death);
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      this.worker.postMessage({ ...body, id }, transfer);
      this.waiting.set(id, { resolve, reject });
      this.worker.ref();
    });
  }

  /** Fails what is under way at once; returns when the thread has ended, after the run that it is in. */
  async terminate(): Promise<void> {
    this.die("the runtime was closed");
    Atomics.store(this.state, STOP, 1);
    while (Atomics.load(this.state, BUSY) === 1) await new Promise((resolve) => setTimeout(resolve, 1));
    await this.worker.terminate();
  }

  /** For `process.on("exit")`, which can't wait for promises: blocks until the worker is out of ONNX Runtime, and keeps it out. */
  leaveSync(): void {
    Atomics.store(this.state, STOP, 1);
    while (Atomics.load(this.state, BUSY) === 1) Atomics.wait(this.state, BUSY, 1);
  }

  private die(reason: string, cause?: unknown): void {
    this.death ??= new BlindspotError(
      {
        code: "E_RUNTIME_WORKER",
        subject: "ONNX Runtime worker",
        got: reason,
        hint: "If memory ran out, use fewer workers or smaller batches.",
      },
      { exitCode: 3, cause },
    );
    for (const { reject } of this.waiting.values()) reject(this.death);
    this.waiting.clear();
  }
}
