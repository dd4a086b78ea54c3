import { withGradient, withOpenWeights } from "../autodiff/index.ts";
import { writeModel } from "../graph/index.ts";
import type { AttackGraph } from "../models/index.ts";
import type { OpTable } from "../ops/define.ts";
import type { Kept, Runtime, Session } from "../runtime/runtime.ts";
import { float32, int64, type NumericData, sizeOf, type Tensor } from "../tensor/tensor.ts";

/** Weights and running statistics, by name. */
export type Weights = Readonly<Record<string, Tensor>>;
/** The same where models run. */
export type LiveWeights = Weights | Kept;
/** Cross-entropy and margin are raised against labels, divergence against the logits of another point. */
export type InnerLoss = "cross-entropy" | "margin" | "divergence";

export interface InnerGradients {
  /** [count, classes]. */
  readonly logits: Float32Array;
  /** [count, size], of the sum of losses: each row its own sample's. */
  readonly gradients: Float32Array;
}

/**
 * A model in attack space whose weights are given with each pass: while they are trained, no session is ever made anew. Everything is in
 * inference mode: BatchNormalization by its running statistics, Dropout the identity, as the attacker of the finished model finds it.
 */
export class OpenModel {
  readonly classes: number;
  private readonly graph: AttackGraph;
  private readonly table: OpTable;
  private readonly runtime: Runtime;
  private readonly open: readonly string[];
  private readonly dims: readonly number[];
  /** By where the weights are: null where they are given with each pass. */
  private readonly sessions = new Map<Kept | null, Map<InnerLoss, Promise<Session>>>();

  /** @param open names of the weights that change @param dims of a row */
  constructor(
    graph: AttackGraph,
    table: OpTable,
    runtime: Runtime,
    open: readonly string[],
    shape: { readonly dims: readonly number[]; readonly classes: number },
  ) {
    this.graph = graph;
    this.table = table;
    this.runtime = runtime;
    this.open = open;
    this.dims = shape.dims;
    this.classes = shape.classes;
  }

  /**
   * Logits and input gradients.
   * @param rows [count, size]; given away
   * @param towards labels, one per row; or for `divergence` the reference logits, [count, classes]
   */
  async gradient(
    loss: InnerLoss,
    rows: Float32Array,
    towards: Int32Array | Float32Array,
    weights: LiveWeights,
  ): Promise<InnerGradients> {
    const kept = isKept(weights) ? weights : null;
    const session = await this.session(loss, kept);
    const count = rows.length / sizeOf(this.dims);
    const told =
      loss === "divergence"
        ? { reference_logits: float32([count, this.classes], (towards as Float32Array).slice()) }
        : { labels: int64([count], towards) };
    const { input, output } = this.graph;
    const feeds = {
      [input]: float32([count, ...this.dims], rows),
      ...told,
      ...(isKept(weights) ? {} : this.copies(weights)),
    };
    const results = await session.run(feeds, [output, `grad_${input}`]);
    return {
      logits: results[output]!.data as Float32Array,
      gradients: results[`grad_${input}`]!.data as Float32Array,
    };
  }

  async close(): Promise<void> {
    const sessions = [...this.sessions.values()].flatMap((byLoss) => [...byLoss.values()]);
    await Promise.all(sessions.map(async (session) => (await session).close()));
  }

  /** Tensors that a session is given may be moved to its thread. */
  private copies(weights: Weights): Record<string, Tensor> {
    return Object.fromEntries(
      this.open.map((name) => {
        const { dtype, dims, data } = weights[name]!;
        return [name, { dtype, dims, data: (data as NumericData).slice() }];
      }),
    );
  }

  private session(loss: InnerLoss, kept: Kept | null): Promise<Session> {
    const byLoss = this.sessions.get(kept) ?? new Map<InnerLoss, Promise<Session>>();
    this.sessions.set(kept, byLoss);
    let session = byLoss.get(loss);
    if (session === undefined) {
      const { graph, table } = this;
      const model = withGradient(withOpenWeights(graph.model, this.open), {
        table,
        loss,
        wrt: [graph.input],
        logits: graph.output,
      });
      const place = kept === null ? { replicas: 1, threads: this.runtime.threads } : { kept };
      session = this.runtime.load(writeModel(model), { label: `gradient of ${loss}`, ...place });
      byLoss.set(loss, session);
    }
    return session;
  }
}

function isKept(weights: LiveWeights): weights is Kept {
  return typeof weights["read"] === "function";
}
