import type { Session } from "../runtime/runtime.ts";
import { type Tensor, tensor } from "../tensor/tensor.ts";
import type { FeatureModel, Rows } from "./classifier.ts";
import type { FeatureGraph } from "./last-layer.ts";

/** The features of a model and their vector-Jacobian product, each a session of its own. */
export class SessionFeatures implements FeatureModel {
  readonly size: number;
  private readonly graph: FeatureGraph;
  private readonly dims: readonly number[];
  private readonly sessions: { readonly forward: Session; readonly backward: Session };

  constructor(
    graph: FeatureGraph,
    dims: readonly number[],
    sessions: { readonly forward: Session; readonly backward: Session },
  ) {
    this.size = graph.size;
    this.graph = graph;
    this.dims = dims;
    this.sessions = sessions;
  }

  async features(rows: Rows): Promise<Float32Array> {
    const { input, features } = this.graph;
    const outputs = await this.sessions.forward.run({ [input]: this.tensorOf(rows) }, [features]);
    return outputs[features]!.data as Float32Array;
  }

  async gradient(
    rows: Rows,
    cotangents: Float32Array,
  ): Promise<{ readonly features: Float32Array; readonly gradients: Float32Array }> {
    const { input, features } = this.graph;
    const gradient = `grad_${input}`;
    const feeds = {
      [input]: this.tensorOf(rows),
      [`cotangent_${features}`]: tensor("float32", [rows.count, this.size], cotangents),
    };
    const outputs = await this.sessions.backward.run(feeds, [features, gradient]);
    return {
      features: outputs[features]!.data as Float32Array,
      gradients: outputs[gradient]!.data as Float32Array,
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.sessions.forward.close(), this.sessions.backward.close()]);
  }

  /** A copy: what a session gets may be moved to another thread. */
  private tensorOf({ data, count }: Rows): Tensor {
    return tensor("float32", [count, ...this.dims], data.slice());
  }
}
