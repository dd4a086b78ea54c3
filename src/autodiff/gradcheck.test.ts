import { describe, expect, it } from "vitest";
import { BlindspotError } from "../base/errors.ts";
import { Rng } from "../base/rng.ts";
import { writeModel } from "../graph/index.ts";
import { Model, type Value } from "../graph/ir.ts";
import type { Example, GradientRule, OpDefinition, OpTable } from "../ops/define.ts";
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
function withSymbolicBatch(definition: OpDefinition, example: Example, rng: Rng): GradientCase | null {
  try {
    return gradientCase(definition, example, operators, rng, "symbolic");
  } catch (error) {
    if (error instanceof BlindspotError) return null;
    throw error;
  }
}

/** Runs some values of a case in ONNX Runtime, in float32. Some operators exist only above opset 18. */
async function runOnOrt({ graph, feeds }: GradientCase, wanted: readonly Value[]): Promise<Record<string, Tensor>> {
  graph.outputs = [...new Set(wanted)];
  const given = Object.fromEntries([...feeds].map(([input, value]) => [input.name, tensorOf(value, "float32")]));
  const atOpset = (opset: number) => runDirectly(writeModel(new Model(graph, opset, 10)), given);
  return atOpset(18).catch(() => atOpset(22));
}

describe("gradient rules against central differences, in float64", () => {
  it("has operators to check", () => expect(ruled.length).toBeGreaterThan(100));

  it.each(ruled.map((definition) => [definition.type, definition] as const))("%s", (_, definition) => {
    expect(definition.examples?.length ?? 0, "a rule without an example").toBeGreaterThan(0);
    let anyBatch = 0;
    for (const [i, example] of definition.examples!.entries()) {
      const rng = rngOf(definition, i);
      const symbolic = withSymbolicBatch(definition, example, rng.fold("values"));
      if (symbolic !== null) anyBatch++;
      const cases = [
        gradientCase(definition, example, operators, rng.fold("values")),
        grown(definition, example, rng.fold("values")),
        symbolic,
      ];
      // A straight-through rule is by intention not the derivative: it only has to run.
      for (const given of cases.filter((one) => one !== null)) {
        if (definition.straightThrough) expect(() => evaluateGradients(given, operators)).not.toThrow();
        else expect(gradcheck(given, operators, rng.fold("choice")).error, printed(example)).toBeLessThan(TOLERANCE);
      }
    }
    expect(anyBatch, "no example works for a symbolic batch").toBeGreaterThan(0);
  });

  const exact = ruled.filter(({ flat, straightThrough }) => !flat && !straightThrough);
  it.each(exact.map((definition) => [definition.type, definition] as const))(
    "would notice if the rule of %s were wrong by a thousandth",
    (_, definition) => {
      const { type, domain = "" } = definition;
      const wrong: OpDefinition = { ...definition, gradient: wrongBy(definition.gradient as GradientRule, 1.001) };
      const table: OpTable = { get: (op, of = "") => (op === type && of === domain ? wrong : operators.get(op, of)) };
      const errorOf = (example: Example): number =>
        gradcheck(gradientCase(wrong, example, table, Rng.of(1)), table, Rng.of(2)).error;
      expect(definition.examples!.some((example) => errorOf(example) > TOLERANCE)).toBe(true);
    },
  );
});

function wrongBy(rule: GradientRule, factor: number): GradientRule {
  return (context) => {
    const { op } = context;
    return rule(context).map((gradient) => gradient && op.Mul(gradient, op.scalarLike(gradient, factor)));
  };
}

describe("gradient graphs on ONNX Runtime, in float32", () => {
  it.each(ruled.map((definition) => [definition.type, definition] as const))("%s", async (_, definition) => {
    for (const [i, example] of (definition.examples ?? []).entries()) {
      const given = gradientCase(definition, example, operators, rngOf(definition, i));
      const expected = evaluateGradients(given, operators);
      // A gradient that is a cotangent itself has no node to run.
      const made = [...given.gradients].filter((entry): entry is [Value, Value] => entry[1]?.producer != null);
      if (made.length === 0) continue;
      const found = await runOnOrt(
        given,
        made.map(([, gradient]) => gradient),
      ).catch(async (error) => {
        // What it can't run forward (LRN of rank 3) says nothing about the gradient.
        const forward = runOnOrt(given, given.outputs);
        if (
          await forward.then(
            () => true,
            () => false,
          )
        )
          throw error;
        return null;
      });
      for (const [input, gradient] of found === null ? [] : made) {
        const reference = expected.get(input)!.data;
        const data = found![gradient.name]!.data as Float32Array;
        expect(data.length, printed(example)).toBe(reference.length);
        for (const [k, value] of data.entries()) {
          const bound = 1e-4 * Math.max(1, Math.abs(reference[k]!));
          expect(Math.abs(value - reference[k]!), `${input.name}[${k}] of ${printed(example)}`).toBeLessThan(bound);
        }
      }
    }
  });
});
