import { withGradient, withOpenWeights } from "../autodiff/index.ts";
import { writeModel } from "../graph/index.ts";
import type { Model } from "../graph/ir.ts";
import type { AttackGraph } from "../models/index.ts";
import type { OpTable } from "../ops/define.ts";
import type { Kept, Runtime, Session } from "../runtime/runtime.ts";
import { float32, int64, type NumericData, sizeOf, type Tensor } from "../tensor/tensor.ts";
import { CLEAN, EPSILON, MASK, STEP_SIZE, withAscent } from "./ascent-graph.ts";
import type { Ascent, InnerLoss } from "./inner-attacks.ts";

/** Weights and running statistics, by name. */
export type Weights = Readonly<Record<string, Tensor>>;
/** The same where models run. */
export type LiveWeights = Weights | Kept;

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
  private readonly sessions = new Map<Kept | null, Map<string, Promise<Session>>>();

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
    const session = await this.gradientSession(loss, isKept(weights) ? weights : null);
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

  /**
   * Puts points beside the weights, as a pass or an ascent will find them.
   * @param rows [count, size]; given away
   */
  async place(state: Kept, rows: Float32Array, labels: Int32Array): Promise<void> {
    const [input, tensor] = this.rows(rows);
    await state.write({ [input]: tensor, labels: int64([labels.length], labels) });
  }

  /** The placed points as they are now, [count, size]. */
  async placed(state: Kept): Promise<Float32Array> {
    const { input } = this.graph;
    return (await state.read([input]))[input]!.data as Float32Array;
  }

  /**
   * Moves the placed points: no step crosses threads.
   * @param clean [count, size]; given away
   */
  async ascend(state: Kept, clean: Float32Array, { loss, threat, steps, stepSize }: Ascent): Promise<void> {
    const { input, output } = this.graph;
    const session = await this.session(state, `ascent of ${loss} in ${threat.norm}`, (model) =>
      withAscent(model, this.graph, { table: this.table, loss, threat }),
    );
    if (loss === "divergence") {
      const reference = await this.gradientSession("cross-entropy", state);
      const [, rows] = this.rows(clean.slice());
      await reference.run({ [input]: rows }, [], { [output]: "reference_logits" });
    }
    const { mask } = threat;
    await state.write({
      [CLEAN]: this.rows(clean)[1],
      [EPSILON]: float32([], [threat.effectiveEpsilon]),
      [STEP_SIZE]: float32([], [stepSize]),
      ...(mask === null
        ? {}
        : {
            [MASK]: float32(
              [1, ...this.dims],
              mask.map((free) => Number(free !== 0)),
            ),
          }),
    });
    // All at once: they wait for each other where models run.
    await Promise.all(Array.from({ length: steps }, () => session.run({}, [], { [`next_${input}`]: input })));
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

  /** @param rows [count, size] */
  private rows(rows: Float32Array): [string, Tensor] {
    return [this.graph.input, float32([rows.length / sizeOf(this.dims), ...this.dims], rows)];
  }

  private gradientSession(loss: InnerLoss, kept: Kept | null): Promise<Session> {
    const { table, graph } = this;
    return this.session(kept, `gradient of ${loss}`, (model) =>
      withGradient(model, { table, loss, wrt: [graph.input], logits: graph.output }),
    );
  }

  private session(kept: Kept | null, label: string, write: (open: Model) => Model): Promise<Session> {
    const known = this.sessions.get(kept) ?? new Map<string, Promise<Session>>();
    this.sessions.set(kept, known);
    let session = known.get(label);
    if (session === undefined) {
      const model = write(withOpenWeights(this.graph.model, this.open));
      const place = kept === null ? { replicas: 1, threads: this.runtime.threads } : { kept };
      session = this.runtime.load(writeModel(model), { label, ...place });
      known.set(label, session);
    }
    return session;
  }
}

function isKept(weights: LiveWeights): weights is Kept {
  return typeof weights["read"] === "function";
}
