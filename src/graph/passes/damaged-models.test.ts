import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BlindspotError } from "../../base/errors.ts";
import { operators } from "../../ops/index.ts";
import { float32, int64Vector } from "../../tensor/tensor.ts";
import { opBuilder } from "../builder.ts";
import { cloneModel } from "../clone.ts";
import { floatAttribute, Graph, Model } from "../ir.ts";
import { readModel, writeModel } from "../serialize.ts";
import { prepareForGradient } from "./prepare-for-gradient.ts";

/** A net of opset 9 in which most nodes have to be upgraded. */
function oldNet(): Model {
  const graph = new Graph("net");
  const op = opBuilder(graph, { get: () => undefined });
  const x = op.input("x", { dtype: "float32", shape: ["N", 2, 6, 6] });
  const ones = (dims: readonly number[]) => float32(dims, new Array(dims.reduce((a, b) => a * b, 1)).fill(0.1));
  const conv = op.Conv!(x, op.initializer("w", ones([2, 2, 3, 3])), op.initializer("b", ones([2])), {
    pads: [1, 1, 1, 1],
  });
  const norm = op.BatchNormalization!(conv, ones([2]), ones([2]), ones([2]), ones([2]), { epsilon: 0.01 });
  const clip = op.Clip!(norm, { min: floatAttribute(0), max: floatAttribute(6) });
  const grown = op.Upsample!(op.Pad!(clip, { pads: [0, 0, 1, 1, 0, 0, 1, 1] }), float32([4], [1, 1, 2, 2]), {
    mode: "nearest",
  });
  const pooled = op.MaxPool!(op.Slice!(grown, { starts: [1], ends: [-1], axes: [2] }), {
    kernel_shape: [2, 2],
    strides: [2, 2],
  });
  const mean = op.ReduceMean!(pooled, { axes: [2], keepdims: 0 });
  const rows = op.Unsqueeze!(op.Gather!(op.Shape!(mean), int64Vector([0])), { axes: [0] });
  const flat = op.Reshape!(mean, op.Concat!(op.Squeeze!(rows, { axes: [0] }), int64Vector([-1]), { axis: 0 }));
  op.output(op.Softmax!(op.MatMul!(flat, op.initializer("m", ones([16, 3]))), { axis: 1 }));
  return new Model(graph, 9);
}

/** Prepares a model, and says which errors that gave: anything but ours fails the test. */
function codesOf(prepare: () => Model): string[] {
  try {
    const model = prepare();
    prepareForGradient(model, operators);
    writeModel(model);
    return [];
  } catch (error) {
    if (!(error instanceof BlindspotError)) throw error;
    return error.problems.map((problem) => problem.code);
  }
}

describe("a damaged model gives a message, never a crash", () => {
  test("the model itself is sound", () => {
    expect(codesOf(oldNet)).toEqual([]);
  });

  test("nodes robbed of an input, of all inputs, of an attribute or of their outputs", () => {
    const sound = oldNet();
    sound.graph.nodes.forEach((node, i) => {
      const rob = (damage: (model: Model) => void): void => {
        const model = cloneModel(sound);
        damage(model);
        codesOf(() => model);
      };
      node.inputs.forEach((_, at) => {
        rob((model) => model.graph.nodes[i]!.inputs.splice(at, 1, null));
        rob((model) => model.graph.nodes[i]!.inputs.splice(at));
      });
      for (const name of node.attributes.keys()) {
        rob((model) => model.graph.nodes[i]!.attributes.delete(name));
        rob((model) => model.graph.nodes[i]!.attributes.set(name, { type: "ints", value: [-9, 2 ** 53] }));
        rob((model) => model.graph.nodes[i]!.attributes.set(name, { type: "string", value: "nonsense" }));
      }
      rob((model) => model.graph.nodes[i]!.outputs.splice(0));
    });
  });

  test("flipped bytes, from file to gradient form", () => {
    const bytes = writeModel(oldNet());
    const flip = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 4 }), (flips) => {
        const damaged = bytes.slice();
        for (const [at, mask] of flips) damaged[at]! ^= mask;
        for (const code of codesOf(() => readModel(damaged))) seen.add(code);
      }),
      { numRuns: 1000, seed: 4 },
    );
    expect([...seen]).toEqual(
      expect.arrayContaining(["E_ONNX_CORRUPT", "E_MODEL_UNDEFINED_VALUE", "E_SHAPE_MISMATCH"]),
    );
  });
});
