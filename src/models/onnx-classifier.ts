import { isTargeted, withGradient } from "../autodiff/index.ts";
import { BlindspotError, internalError, type Problem } from "../base/errors.ts";
import { writeModel } from "../graph/index.ts";
import type { OpTable } from "../ops/define.ts";
import type { Feeds, Runtime, Session } from "../runtime/runtime.ts";
import { sizeOf, type Tensor, tensor } from "../tensor/tensor.ts";
import type { AttackGraph } from "./attack-graph.ts";
import type { Capabilities, Classifier, GradientRows, LossName, Meter, Rows } from "./classifier.ts";
import type { DeployedModel } from "./deployed.ts";
import type { ScoreHead } from "./score-head.ts";

export interface OnnxClassifierParts {
  readonly runtime: Runtime;
  /** Whether `close` ends the runtime too. */
  readonly ownsRuntime: boolean;
  readonly table: OpTable;
  readonly label: string;
  readonly graph: AttackGraph;
  /** Of `graph`. */
  readonly session: Session;
  readonly deployed: DeployedModel;
  readonly head: ScoreHead;
  readonly classes: readonly string[];
  readonly dims: readonly number[];
  readonly gradient: boolean;
  readonly maxBatch: number;
  /** The number of rows that every pass must have, or null. */
  readonly fixedBatch: number | null;
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
}

const int64Rows = (values: Int32Array): Tensor =>
  tensor("int64", [values.length], BigInt64Array.from(Array.from(values, BigInt)));

/** A classifier behind an attack graph, with one further session per loss, made when a loss is first asked for. */
export class OnnxClassifier implements Classifier {
  readonly classes: readonly string[];
  readonly dims: readonly number[];
  readonly capabilities: Capabilities;
  readonly maxBatch: number;
  readonly concurrency: number;
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
  /** Which output decides, and what was left out behind it. */
  readonly head: ScoreHead;
  readonly fixedBatch: number | null;
  private readonly parts: OnnxClassifierParts;
  private readonly size: number;
  private readonly gradientSessions = new Map<LossName, Promise<Session>>();
  private readonly sessions: Session[];
  private forwardRows = 0;
  private backwardRows = 0;
  private verifiedRows = 0;

  constructor(parts: OnnxClassifierParts) {
    this.parts = parts;
    this.classes = parts.classes;
    this.dims = parts.dims;
    this.size = sizeOf(parts.dims);
    this.capabilities = { output: "scores", gradient: parts.gradient };
    this.maxBatch = parts.maxBatch;
    this.concurrency = parts.session.concurrency;
    this.notes = parts.notes;
    this.problems = parts.problems;
    this.head = parts.head;
    this.fixedBatch = parts.fixedBatch;
    this.sessions = [parts.session];
  }

  async scores(rows: Rows): Promise<Float32Array> {
    const { session, graph } = this.parts;
    const result = new Float32Array(rows.count * this.classes.length);
    await this.inPasses(rows.count, async (from, to) => {
      const filled = this.filled(to - from);
      this.forwardRows += filled;
      const outputs = await session.run({ [graph.input]: this.packed(rows, from, to, filled) }, [graph.output]);
      this.unpack(outputs[graph.output]!, result, from, to, this.classes.length);
    });
    return result;
  }

  async gradient(rows: Rows, loss: LossName, labels: Int32Array, targets?: Int32Array): Promise<GradientRows> {
    if (!this.capabilities.gradient) throw new BlindspotError(this.problems);
    const { graph } = this.parts;
    if (isTargeted(loss) && targets === undefined) throw internalError(`loss '${loss}' needs targets`);
    const session = await this.gradientSession(loss);
    const gradientName = `grad_${graph.input}`;
    const scores = new Float32Array(rows.count * this.classes.length);
    const losses = new Float32Array(rows.count);
    const gradients = new Float32Array(rows.count * this.size);
    await this.inPasses(rows.count, async (from, to) => {
      const filled = this.filled(to - from);
      this.forwardRows += filled;
      this.backwardRows += filled;
      const feeds: Record<string, Tensor> = {
        [graph.input]: this.packed(rows, from, to, filled),
        labels: int64Rows(repeatLast(labels.subarray(from, to), filled)),
      };
      if (isTargeted(loss)) feeds["targets"] = int64Rows(repeatLast(targets!.subarray(from, to), filled));
      const outputs = await session.run(feeds as Feeds, [graph.output, "loss", gradientName]);
      this.unpack(outputs[graph.output]!, scores, from, to, this.classes.length);
      this.unpack(outputs["loss"]!, losses, from, to, 1);
      this.unpack(outputs[gradientName]!, gradients, from, to, this.size);
    });
    return { scores, losses, gradients };
  }

  verify(row: Float32Array): Promise<Float32Array> {
    this.verifiedRows++;
    return this.parts.deployed.scores(row, this.head);
  }

  meter(): Meter {
    const { forwardRows, backwardRows, verifiedRows } = this;
    const all = [...this.sessions, this.parts.deployed.session];
    const sessionSeconds = all.reduce((sum, session) => sum + (session.busySeconds ?? Number.NaN), 0);
    return { forwardRows, backwardRows, verifiedRows, sessionSeconds };
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.gradientSessions.values());
    await Promise.all([...this.sessions.map((session) => session.close()), this.parts.deployed.close()]);
    if (this.parts.ownsRuntime) await this.parts.runtime.close();
  }

  private gradientSession(loss: LossName): Promise<Session> {
    let session = this.gradientSessions.get(loss);
    if (session === undefined) {
      session = this.loadGradient(loss);
      this.gradientSessions.set(loss, session);
    }
    return session;
  }

  private async loadGradient(loss: LossName): Promise<Session> {
    const { runtime, graph, table, label } = this.parts;
    const model = withGradient(graph.model, { table, loss, wrt: [graph.input], logits: graph.output });
    const session = await runtime.load(writeModel(model), { label: `${label}, gradient of ${loss}` });
    this.sessions.push(session);
    return session;
  }

  /** Passes of at most `maxBatch` rows; they queue in the runtime. */
  private async inPasses(count: number, pass: (from: number, to: number) => Promise<void>): Promise<void> {
    const passes: Promise<void>[] = [];
    for (let from = 0; from < count; from += this.maxBatch)
      passes.push(pass(from, Math.min(count, from + this.maxBatch)));
    await Promise.all(passes);
  }

  /** Rows that a pass of `count` rows really has. */
  private filled(count: number): number {
    return this.fixedBatch ?? count;
  }

  /** A copy, since the runtime may take the array away; short batches are filled with the last row. */
  private packed(rows: Rows, from: number, to: number, filled: number): Tensor {
    const { size } = this;
    const data = new Float32Array(filled * size);
    data.set(rows.data.subarray(from * size, to * size));
    const last = rows.data.subarray((to - 1) * size, to * size);
    for (let i = to - from; i < filled; i++) data.set(last, i * size);
    return tensor("float32", [filled, ...this.dims], data);
  }

  private unpack(output: Tensor, into: Float32Array, from: number, to: number, perRow: number): void {
    into.set((output.data as Float32Array).subarray(0, (to - from) * perRow), from * perRow);
  }
}

function repeatLast(values: Int32Array, length: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => values[Math.min(i, values.length - 1)]!);
}
