import { BlindspotError, ProblemList } from "../base/errors.ts";
import type { OpBuilder } from "../graph/builder.ts";
import { cloneModel, prepareForGradient } from "../graph/index.ts";
import type { Graph, Model, Value } from "../graph/ir.ts";
import { definedValues } from "../graph/walk.ts";
import type { OpTable } from "../ops/define.ts";
import { dtypeCode } from "../ops/dtypes.ts";
import { writeOut } from "./written-out/index.ts";

/** A copy in the form that gradient rules are written for. */
export function prepared(model: Model, table: OpTable): Model {
  const copy = cloneModel(model);
  prepareForGradient(copy, table);
  if (writeOut(copy, table)) prepareForGradient(copy, table);
  return copy;
}

/** The values of these names. Throws E_NAME_UNKNOWN for all that don't exist. */
export function find(graph: Graph, names: readonly string[]): Value[] {
  const values = new Map([...definedValues(graph)].map((value) => [value.name, value]));
  const problems = new ProblemList();
  for (const name of names)
    if (!values.has(name))
      problems.add({
        code: "E_NAME_UNKNOWN",
        subject: `'${name}'`,
        expected: "the name of an input, an initializer, or an inner value of the model",
        got: `none of that name; inputs: ${graph.inputs.map((input) => input.name).join(", ")}`,
      });
  problems.throwIfAny();
  return names.map((name) => values.get(name)!);
}

/** The value to take the loss of, at least in float32. */
export function logitsOf(op: OpBuilder, name: string | undefined): Value {
  const [value] = find(op.graph, [name ?? op.graph.outputs[0]!.name]);
  const narrow = value!.dtype === "float16" || value!.dtype === "bfloat16";
  return narrow ? op.Cast(value!, { to: dtypeCode("float32") }) : value!;
}

/** Every output gets a node of its own, since a gradient may be any value: an input, or the gradient of something else too. */
export function addOutput(op: OpBuilder, value: Value, name: string): void {
  const output = op.Identity(value);
  output.name = name;
  op.output(output);
}

/** Throws E_NAME_COLLISION for every name that the model uses already. */
export function refuseCollisions(model: Model, names: readonly string[]): void {
  const taken = new Set([...definedValues(model.graph)].map((value) => value.name));
  const problems = names
    .filter((name) => taken.has(name))
    .map((name) => ({
      code: "E_NAME_COLLISION",
      subject: `'${name}'`,
      expected: "a name that the model leaves free for the gradient model",
      got: "a value of the model with this name",
      hint: "Rename that value in the model",
    }));
  if (problems.length > 0) throw new BlindspotError(problems);
}
