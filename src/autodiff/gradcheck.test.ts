import { describe, expect, it } from "vitest";
import { BlindspotError } from "../base/errors.ts";
import { Rng } from "../base/rng.ts";
import { writeModel } from "../graph/index.ts";
import { Model, type Value } from "../graph/ir.ts";
import type { Example, OpDefinition } from "../ops/define.ts";
import { operators } from "../ops/index.ts";
import { tensorOf } from "../ops/interpret.ts";
import { runDirectly } from "../runtime/node-direct.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { doubled, evaluateGradients, type GradientCase, gradcheck, gradientCase } from "./gradcheck.ts";

const TOLERANCE = 1e-6;
const ruled = operators.all.filter((definition) => typeof definition.gradient === "function");

const rngOf = (definition: OpDefinition, i: number): Rng => Rng.of(1).fold(definition.type).fold(i);
const printed = (example: Example): string => JSON.stringify(example);

/** A larger variant, or null where the example's constants or attributes fix its sizes. */
function grown(definition: OpDefinition, example: Example, rng: Rng): GradientCase | null {
  const larger = doubled(example);
  if (larger === null) return null;
  try {
    return gradientCase(definition, larger, operators, rng);
  } catch {
    return null;
  }
}

/** With a symbolic batch a rule computes the same, or says which size it lacks. */
function symbolic(definition: OpDefinition, example: Example, rng: Rng): GradientCase | null {
  try {
    return gradientCase(definition, example, operators, rng, "symbolic");
  } catch (error) {
    if (error instanceof BlindspotError) return null;
    throw error;
  }
}

/** Runs the forward and backward nodes of a case in ONNX Runtime, in float32. A gradient that is a cotangent itself has no node to run. */
async function runOnOrt({ graph, gradients, feeds }: GradientCase, opset: number): Promise<Map<Value, Tensor>> {
  const wanted = [...gradients].filter((entry): entry is [Value, Value] => entry[1]?.producer != null);
  if (wanted.length === 0) return new Map();
  graph.outputs = [...new Set(wanted.map(([, gradient]) => gradient))];
  const given = [...feeds].map(([input, reference]) => [input.name, tensorOf(reference, "float32")]);
  const results = await runDirectly(writeModel(new Model(graph, opset, 10)), Object.fromEntries(given));
  return new Map(wanted.map(([input, gradient]) => [input, results[gradient.name]!]));
}

describe("gradient rules against central differences, in float64", () => {
  it("has operators to check", () => expect(ruled.length).toBeGreaterThan(50));

  it.each(ruled.map((definition) => [definition.type, definition] as const))("%s", (_, definition) => {
    expect(definition.examples?.length ?? 0, "a rule without an example").toBeGreaterThan(0);
    for (const [i, example] of definition.examples!.entries()) {
      const rng = rngOf(definition, i);
      const cases = [
        gradientCase(definition, example, operators, rng.fold("values")),
        grown(definition, example, rng.fold("values")),
        symbolic(definition, example, rng.fold("values")),
      ];
      // A straight-through rule is by intention not the derivative: it only has to run.
      for (const given of cases.filter((one) => one !== null)) {
        if (definition.straightThrough) expect(() => evaluateGradients(given, operators)).not.toThrow();
        else expect(gradcheck(given, operators, rng.fold("choice")).error, printed(example)).toBeLessThan(TOLERANCE);
      }
    }
  });
});

describe("gradient graphs on ONNX Runtime, in float32", () => {
  it.each(ruled.map((definition) => [definition.type, definition] as const))("%s", async (_, definition) => {
    for (const [i, example] of (definition.examples ?? []).entries()) {
      const given = gradientCase(definition, example, operators, rngOf(definition, i));
      const expected = evaluateGradients(given, operators);
      const found = await runOnOrt(given, 18).catch(() => runOnOrt(given, 22));
      for (const [input, { data }] of found) {
        const reference = expected.get(input)!.data;
        expect(data.length, printed(example)).toBe(reference.length);
        (data as Float32Array).forEach((value, k) => {
          const bound = 1e-4 * Math.max(1, Math.abs(reference[k]!));
          expect(Math.abs(value - reference[k]!), `${input.name}[${k}] of ${printed(example)}`).toBeLessThan(bound);
        });
      }
    }
  });
});
