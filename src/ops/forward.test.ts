import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { gradientCase } from "../autodiff/gradcheck.ts";
import { Rng } from "../base/rng.ts";
import { GRADIENT_OPSET, writeModel } from "../graph/index.ts";
import { type Graph, Model } from "../graph/ir.ts";
import { operators } from "./index.ts";
import { interpret } from "./interpret.ts";

const differentiable = operators.all.filter(({ gradient, examples }) => typeof gradient === "function" && examples);

/** Examples of these that ONNX Runtime has no kernel for: LRN other than 4-D. */
const REFUSED = ["LRN"];

type Outputs = Readonly<Record<string, OrtTensor>>;

/** Examples are valid in the opset of the gradient rules or in the newest: operators that came or changed after it. */
async function runOnOrt(graph: Graph, feeds: Readonly<Record<string, OrtTensor>>): Promise<Outputs> {
  const run = async (opset: number): Promise<Outputs> => {
    const bytes = writeModel(new Model(graph, opset, 10));
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 4 });
    return session.run(feeds).finally(() => session.release());
  };
  return run(GRADIENT_OPSET).catch(() => run(22));
}

/** Gradients are those of what ONNX Runtime computes: so the reference, on which they are checked, must agree with it. */
describe("the reference on every example against ONNX Runtime", () => {
  it.each(differentiable.map((definition) => [definition.type, definition] as const))(
    "%s",
    async (type, definition) => {
      let refused = 0;
      for (const [i, example] of definition.examples!.entries()) {
        const { graph, outputs, feeds } = gradientCase(definition, example, operators, Rng.of(2).fold(i));
        const expected = interpret(graph, feeds, operators, outputs);
        graph.inputs = graph.inputs.filter((input) => !input.name.startsWith("cotangent_"));
        graph.outputs = outputs.filter(({ dtype }) => dtype === "float32");
        graph.nodes = graph.nodes.filter((node) => outputs.includes(node.outputs[0]));
        if (graph.outputs.length === 0) continue;
        const given = graph.inputs.map((input) => {
          const { dims, data } = feeds.get(input)!;
          return [input.name, new OrtTensor("float32", Float32Array.from(data), dims)] as const;
        });
        const found = await runOnOrt(graph, Object.fromEntries(given)).catch((error: Error) => {
          if (!REFUSED.includes(type)) throw error;
          refused++;
          return null;
        });
        if (found === null) continue;
        for (const output of graph.outputs) {
          const reference = expected.get(output)!;
          const { dims, data } = found[output.name];
          expect(dims, JSON.stringify(example)).toEqual(reference.dims);
          reference.data.forEach((value, k) => {
            const bound = 1e-5 * Math.max(1, Math.abs(value));
            expect(Math.abs(Number(data[k]) - value), `[${k}] of ${JSON.stringify(example)}`).toBeLessThan(bound);
          });
        }
      }
      expect(refused).toBeLessThan(definition.examples!.length);
    },
  );
});
