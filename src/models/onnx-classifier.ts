import { type CustomLoss, isTargeted, withGradient, withVjp } from "../autodiff/index.ts";
import { BlindspotError, internalError, type Problem } from "../base/errors.ts";
import { writeModel } from "../graph/index.ts";
import type { OpTable } from "../ops/define.ts";
import type { Feeds, Runtime, Session } from "../runtime/runtime.ts";
import { sizeOf, type Tensor, tensor } from "../tensor/tensor.ts";
import type { AttackGraph } from "./attack-graph.ts";
import type {
  Capabilities,
  Classifier,
  FeatureModel,
  GradientRows,
  GraphAccess,
  LossName,
  Meter,
  PlantedMask,
  Rows,
  ScoreMeaning,
} from "./classifier.ts";
import type { DeployedModel } from "./deployed.ts";
import { SessionFeatures } from "./feature-model.ts";
import { featuresBehind } from "./last-layer.ts";
import { plantMask } from "./planted-mask.ts";
import { type ScoreHead, scoreMeaning } from "./score-head.ts";
import { type StepFunctions, stepNotes } from "./step-notes.ts";
import type { TreeEnsemble } from "./trees/ensemble.ts";
import type { OpenedTrees } from "./trees/open-trees.ts";

export interface OnnxClassifierParts {
  readonly runtime: Runtime;
  /** Whether `close` ends the runtime too. */
  readonly ownsRuntime: boolean;
  readonly table: OpTable;
  readonly label: string;
  readonly graph: AttackGraph;
  /** Of `graph`. */
  readonly session: Session;
  readonly deployed: Pick<DeployedModel, "session" | "scores" | "close">;
  readonly head: ScoreHead;
  readonly classes: readonly string[];
  readonly dims: readonly number[];
  readonly gradient: boolean;
  readonly maxBatch: number;
  /** The number of rows that every pass must have, or null. */
  readonly fixedBatch: number | null;
  readonly notes: readonly string[];
  readonly steps: StepFunctions;
  readonly problems: readonly Problem[];
  readonly trees?: OpenedTrees | null;
  /** What takes the place of each loss; absent: the losses themselves, of the logits. */
  readonly losses?: (loss: LossName) => CustomLoss;
}

/** Another end of the same model: its logits, what decides, and what attacks increase. */
export interface OtherEnd {
  /** With the input of `attackGraph`. */
  readonly graph: AttackGraph;
  readonly classes: readonly string[];
  /** What the deployed file gives for one row, alone. */
  verify(row: Float32Array): Promise<Float32Array>;
  readonly losses?: (loss: LossName) => CustomLoss;
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
  readonly steps: StepFunctions;
  readonly problems: readonly Problem[];
  /** Which output decides, and what was left out behind it. */
  readonly head: ScoreHead;
  readonly meaning: ScoreMeaning;
  readonly fixedBatch: number | null;
  readonly trees?: TreeEnsemble;
  readonly access: GraphAccess;
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
    this.capabilities = { output: "scores", gradient: parts.gradient, ...(parts.trees ? { trees: true } : {}) };
    if (parts.trees) this.trees = parts.trees.trees;
    this.maxBatch = parts.maxBatch;
    this.concurrency = parts.session.concurrency;
    this.notes = [...parts.notes, ...stepNotes(parts.steps)];
    this.steps = parts.steps;
    this.problems = parts.problems;
    this.head = parts.head;
    this.meaning = parts.trees?.meaning ?? scoreMeaning(parts.head);
    this.fixedBatch = parts.fixedBatch;
    this.sessions = [parts.session];
    this.access = { features: () => this.features(), masked: (mask) => this.masked(mask) };
  }

  /** What training starts from: the model in attack space, its weights under the names of the file. */
  get attackGraph(): AttackGraph {
    return this.parts.graph;
  }

  async scores(rows: Rows): Promise<Float32Array> {
    const { session, graph } = this.parts;
    const passes = await this.inPasses(rows, async (input, from, to) => {
      this.forwardRows += input.dims[0]!;
      const outputs = await session.run({ [graph.input]: input }, [graph.output]);
      return [this.rowsOf(outputs[graph.output]!, to - from, this.classes.length)];
    });
    return joined(passes, 0);
  }

  async gradient(rows: Rows, loss: LossName, labels: Int32Array, targets?: Int32Array): Promise<GradientRows> {
    if (!this.capabilities.gradient) throw new BlindspotError(this.problems);
    const { graph } = this.parts;
    if (isTargeted(loss) && targets === undefined) throw internalError(`loss '${loss}' needs targets`);
    const session = await this.gradientSession(loss);
    const gradientName = `grad_${graph.input}`;
    const passes = await this.inPasses(rows, async (input, from, to) => {
      const filled = input.dims[0]!;
      this.forwardRows += filled;
      this.backwardRows += filled;
      const feeds: Record<string, Tensor> = {
        [graph.input]: input,
        labels: int64Rows(repeatLast(labels.subarray(from, to), filled)),
      };
      if (isTargeted(loss)) feeds["targets"] = int64Rows(repeatLast(targets!.subarray(from, to), filled));
      const outputs = await session.run(feeds as Feeds, [graph.output, "loss", gradientName]);
      const count = to - from;
      return [
        this.rowsOf(outputs[graph.output]!, count, this.classes.length),
        this.rowsOf(outputs["loss"]!, count, 1),
        this.rowsOf(outputs[gradientName]!, count, this.size),
      ];
    });
    return { scores: joined(passes, 0), losses: joined(passes, 1), gradients: joined(passes, 2) };
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

  private async features(): Promise<FeatureModel | null> {
    const { runtime, graph, table, label, fixedBatch } = this.parts;
    const cut = fixedBatch === null && this.capabilities.gradient ? featuresBehind(graph, table) : null;
    if (cut === null) return null;
    const vjp = withVjp(cut.model, { table, wrt: [cut.input], outputs: [cut.features] });
    return new SessionFeatures(cut, this.dims, {
      forward: await runtime.load(writeModel(cut.model), { label: `${label}, features` }),
      backward: await runtime.load(writeModel(vjp), { label: `${label}, gradient of features` }),
    });
  }

  /** The same model with another end; whoever asks closes it. */
  async withEnd({ graph, classes, verify, losses }: OtherEnd, label: string): Promise<OnnxClassifier> {
    const session = await this.parts.runtime.load(writeModel(graph.model), { label });
    const deployed = { session, scores: verify, close: async () => {} };
    const changed = { graph, classes, session, deployed, label, ...(losses === undefined ? {} : { losses }) };
    return new OnnxClassifier({ ...this.parts, ...changed, ownsRuntime: false });
  }

  private async masked(mask: PlantedMask): Promise<Classifier> {
    const { runtime, table, label } = this.parts;
    const graph = plantMask(this.parts.graph, table, mask);
    const session = await runtime.load(writeModel(graph.model), { label: `${label}, ${mask}` });
    const scores = async (row: Float32Array): Promise<Float32Array> => {
      const rows = this.packed({ data: row, count: 1 }, 0, 1);
      const output = (await session.run({ [graph.input]: rows }, [graph.output]))[graph.output]!;
      return Float32Array.from(this.rowsOf(output, 1, this.classes.length));
    };
    const deployed = { session, scores, close: async () => {} };
    return new OnnxClassifier({ ...this.parts, ownsRuntime: false, graph, session, deployed });
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
    const { runtime, graph, table, label, losses } = this.parts;
    const model = withGradient(graph.model, {
      table,
      loss: losses?.(loss) ?? loss,
      wrt: [graph.input],
      logits: graph.output,
    });
    const session = await runtime.load(writeModel(model), { label: `${label}, gradient of ${loss}` });
    this.sessions.push(session);
    return session;
  }

  /** Passes of at most `maxBatch` rows; they queue in the runtime. Resolves to the arrays that each pass gave, in order. */
  private inPasses(
    rows: Rows,
    pass: (input: Tensor, from: number, to: number) => Promise<Float32Array[]>,
  ): Promise<Float32Array[][]> {
    const passes: Promise<Float32Array[]>[] = [];
    for (let from = 0; from < rows.count; from += this.maxBatch) {
      const to = Math.min(rows.count, from + this.maxBatch);
      passes.push(pass(this.packed(rows, from, to), from, to));
    }
    return Promise.all(passes);
  }

  /** The input of one pass: a copy, unless the rows were given away and fill it exactly. A short batch is filled up with its last row. */
  private packed(rows: Rows, from: number, to: number): Tensor {
    const { size } = this;
    const filled = this.fixedBatch ?? to - from;
    const dims = [filled, ...this.dims];
    if (rows.given && rows.data.length === filled * size) return tensor("float32", dims, rows.data);
    const data = new Float32Array(filled * size);
    data.set(rows.data.subarray(from * size, to * size));
    const last = rows.data.subarray((to - 1) * size, to * size);
    for (let i = to - from; i < filled; i++) data.set(last, i * size);
    return tensor("float32", dims, data);
  }

  private rowsOf(output: Tensor, count: number, perRow: number): Float32Array {
    return (output.data as Float32Array).subarray(0, count * perRow);
  }
}

/** Array `which` of all passes, one after another; of a single pass, the very array: the runtime gave it to us. */
function joined(passes: readonly (readonly Float32Array[])[], which: number): Float32Array {
  const parts = passes.map((arrays) => arrays[which]!);
  if (parts.length === 1) return parts[0]!;
  const result = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}

function repeatLast(values: Int32Array, length: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => values[Math.min(i, values.length - 1)]!);
}
