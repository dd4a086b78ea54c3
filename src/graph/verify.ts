import { BlindspotError, type Problem } from "../base/errors.ts";
import type { Graph, Model, Value } from "./ir.ts";
import { sortNodes } from "./sort.ts";
import { dependencies, subgraphs } from "./walk.ts";

/**
 * All that is wrong with a model's structure: values defined twice or never, cycles, nodes out of order, inputs or outputs that share a
 * name, weights without data. Empty when it can be written.
 */
export function problemsOf(model: Model): Problem[] {
  const problems: Problem[] = [];
  if (model.opsets.size === 0)
    problems.push({ code: "E_MODEL_OPSET", subject: "the model", expected: "at least one opset", got: "none" });
  checkPorts(model.graph, problems);
  checkGraph(model.graph, new Set(), problems);
  return problems;
}

/** @throws BlindspotError with every problem of the model. */
export function verifyModel(model: Model): void {
  const problems = problemsOf(model);
  if (problems.length > 0) throw new BlindspotError(problems);
}

/** Callers know inputs and outputs by name, so these can't be renamed when two of them agree. */
function checkPorts(graph: Graph, problems: Problem[]): void {
  for (const [kind, values] of [["input", graph.inputs] as const, ["output", graph.outputs] as const]) {
    const names = new Set<string>();
    for (const { name } of values) {
      if (name === "")
        problems.push({
          code: "E_MODEL_NAME",
          subject: `graph '${graph.name}'`,
          expected: `a name for each ${kind}`,
          got: "none",
        });
      if (names.has(name))
        problems.push({
          code: "E_MODEL_DUPLICATE_NAME",
          subject: `graph '${graph.name}'`,
          got: `two ${kind}s named '${name}'`,
        });
      names.add(name);
    }
  }
  const outputs = new Map(graph.outputs.map((value) => [value.name, value]));
  for (const input of graph.inputs) {
    const output = outputs.get(input.name);
    if (output !== undefined && output !== input)
      problems.push({
        code: "E_MODEL_DUPLICATE_NAME",
        subject: `graph '${graph.name}'`,
        got: `an input and an output named '${input.name}'`,
      });
  }
}

function checkGraph(graph: Graph, outer: ReadonlySet<Value>, problems: Problem[]): void {
  const label = `graph '${graph.name}'`;
  const defined = new Set(outer);
  const define = (value: Value, subject: string): void => {
    if (defined.has(value))
      problems.push({ code: "E_MODEL_DUPLICATE_NAME", subject, got: `'${value.name}' defined a second time` });
    defined.add(value);
  };
  const use = (value: Value, all: ReadonlySet<Value>, subject: string): void => {
    if (defined.has(value)) return;
    const code = all.has(value) ? "E_MODEL_ORDER" : "E_MODEL_UNDEFINED_VALUE";
    const got = all.has(value) ? `'${value.name}', which is made only later` : `'${value.name}', which nothing defines`;
    problems.push({ code, subject, expected: "inputs that exist before", got });
  };
  for (const input of graph.inputs) define(input, `${label}, inputs`);
  for (const weight of graph.initializers) {
    define(weight, `${label}, initializers`);
    if (weight.constant === null)
      problems.push({ code: "E_MODEL_WEIGHT", subject: `initializer '${weight.name}'`, expected: "data", got: "none" });
  }
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  if (hasCycle(graph))
    problems.push({
      code: "E_MODEL_CYCLE",
      subject: label,
      expected: "a graph without cycles",
      got: "nodes that wait for each other",
    });
  for (const node of graph.nodes) {
    for (const value of dependencies(node)) use(value, made, node.describe());
    for (const inner of subgraphs(node)) checkGraph(inner, defined, problems);
    for (const output of node.outputs) {
      define(output, node.describe());
      if (output.producer !== node)
        problems.push({
          code: "E_MODEL_PRODUCER",
          subject: node.describe(),
          got: `an output '${output.name}' that says another node made it`,
        });
    }
  }
  for (const output of graph.outputs) use(output, made, `${label}, outputs`);
}

function hasCycle(graph: Graph): boolean {
  const order = graph.nodes;
  const stuck = sortNodes(graph);
  graph.nodes = order;
  return stuck.length > 0;
}
