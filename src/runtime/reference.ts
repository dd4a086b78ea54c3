import { BlindspotError } from "../base/errors.ts";
import { inferShapes } from "../graph/index.ts";
import type { Model, Value } from "../graph/ir.ts";
import { readModel } from "../graph/serialize.ts";
import type { OpTable, Reference } from "../ops/define.ts";
import { referenceOf } from "../ops/dtypes.ts";
import { operators } from "../ops/index.ts";
import { interpret, tensorOf } from "../ops/interpret.ts";
import { type DType, isFloat, type Tensor } from "../tensor/tensor.ts";
import type { Feeds, Kept, LoadOptions, PortInfo, Runtime, Session } from "./runtime.ts";

/**
 * Runs models in float64, slowly, by the definitions that the gradient rules stand beside: the oracle of the tests, and a runtime
 * where there is no other. Float outputs come back as `output` ("float64", default, keeps all digits; "float32" is what ONNX says).
 */
export function referenceRuntime(options: { table?: OpTable; output?: "float32" | "float64" } = {}): Runtime {
  const table = options.table ?? operators;
  return {
    name: "reference",
    version: "1",
    provider: "float64",
    threads: 1,
    workers: 1,
    load: async (bytes, { kept } = {}) => session(readModel(bytes), table, options.output ?? "float64", kept),
    keep: async (tensors) => new LocalKept(tensors),
    close: async () => {},
  };
}

/** In the same thread: read without copying, for nobody changes a tensor in place. */
class LocalKept implements Kept {
  readonly tensors: Record<string, Tensor>;

  constructor(tensors: Feeds) {
    this.tensors = { ...tensors };
  }

  async read(names: readonly string[] = Object.keys(this.tensors)): Promise<Record<string, Tensor>> {
    return Object.fromEntries(names.map((name) => [name, this.tensors[name]!]));
  }

  async write(tensors: Feeds): Promise<void> {
    Object.assign(this.tensors, tensors);
  }

  async close(): Promise<void> {}
}

function session(model: Model, table: OpTable, float: "float32" | "float64", kept: LoadOptions["kept"]): Session {
  inferShapes(model, table);
  const { graph } = model;
  return {
    inputs: graph.inputs.map(portOf),
    outputs: graph.outputs.map(portOf),
    concurrency: 1,
    run: async (feeds, outputs, keep = {}) => {
      const held = kept instanceof LocalKept ? kept.tensors : {};
      const returned = (name: string) => outputs?.includes(name) ?? !(name in keep);
      const wanted = graph.outputs.filter(({ name }) => name in keep || returned(name));
      const values = interpret(graph, bind(graph.inputs, { ...held, ...feeds }), table, wanted);
      const entries = wanted.map((value): [string, Tensor] => {
        const result = values.get(value)!;
        return [value.name, tensorOf(result, isFloat(result.dtype) ? float : (value.dtype ?? result.dtype))];
      });
      for (const [name, result] of entries) if (name in keep) held[keep[name]!] = result;
      return Object.fromEntries(entries.filter(([name]) => returned(name)));
    },
    close: async () => {},
  };
}

function bind(inputs: readonly Value[], feeds: Feeds): Map<Value, Reference> {
  const missing = inputs.filter((input) => feeds[input.name] === undefined);
  if (missing.length > 0)
    throw new BlindspotError(
      missing.map(({ name }) => ({
        code: "E_INPUT_MISSING",
        subject: `input '${name}'`,
        expected: "a tensor",
        got: "none",
      })),
    );
  return new Map(inputs.map((input) => [input, referenceOf(feeds[input.name]!)]));
}

function portOf(value: Value): PortInfo {
  const dims = (value.shape ?? []).map((dim, axis) => dim ?? `${value.name}_${axis}`);
  return { name: value.name, dtype: value.dtype as DType, dims };
}
