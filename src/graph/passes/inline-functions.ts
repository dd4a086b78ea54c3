import { create } from "@bufbuild/protobuf";
import { BlindspotError } from "../../base/errors.ts";
import { type AttributeProto, type FunctionProto, GraphProtoSchema } from "../../onnx/onnx.gen.ts";
import { attributeFromProto } from "../attributes.ts";
import type { OperatorTable } from "../builder.ts";
import { type Attribute, type Graph, Model, Node, type Value } from "../ir.ts";
import { functionKey, graphFromProto, type NodeSource, normalDomain } from "../read.ts";
import { allGraphs, replaceUses, subgraphs } from "../walk.ts";
import { upgradeOpset } from "./upgrade-opset.ts";

/** Calls inside calls multiply: a file of a few hundred bytes can ask for billions of nodes. */
const MAX_DEPTH = 32;
const MAX_NODES = 100_000;

/**
 * Replaces, in place, calls of functions that the model itself defines by their bodies. A body of an older opset than the model's is
 * upgraded; the model is first upgraded to the newest opset among its functions.
 *
 * @throws BlindspotError E_MODEL_FUNCTION for recursive or endlessly nested calls, or what `upgradeOpset` throws.
 */
export function inlineFunctions(model: Model, table?: OperatorTable): void {
  if (model.functions.size === 0) return;
  const bodies = new Map([...model.functions].map(([key, body]) => [key, body as FunctionProto]));
  const newest = Math.max(model.opset, ...[...bodies.values()].map((body) => opsetsOf(body).get("") ?? 0));
  upgradeOpset(model, newest, table);
  new Inliner(model, bodies, table).expandGraph(model.graph, 0);
  model.functions = new Map();
  for (const { domain } of bodies.values()) if (!usesDomain(model, normalDomain(domain))) model.opsets.delete(domain);
}

function opsetsOf(body: FunctionProto): Map<string, number> {
  return new Map(body.opsetImport.map((entry) => [normalDomain(entry.domain), Number(entry.version)]));
}

function usesDomain(model: Model, domain: string): boolean {
  for (const graph of allGraphs(model.graph)) if (graph.nodes.some((node) => node.domain === domain)) return true;
  return domain === "";
}

class Inliner {
  private readonly model: Model;
  private readonly bodies: ReadonlyMap<string, FunctionProto>;
  private readonly table: OperatorTable | undefined;
  private made = 0;

  constructor(model: Model, bodies: ReadonlyMap<string, FunctionProto>, table: OperatorTable | undefined) {
    this.model = model;
    this.bodies = bodies;
    this.table = table;
  }

  expandGraph(graph: Graph, depth: number): void {
    graph.nodes = graph.nodes.flatMap((node) => {
      for (const inner of subgraphs(node)) this.expandGraph(inner, depth);
      const overload = (node.source as NodeSource | null)?.proto.overload ?? "";
      const body = this.bodies.get(functionKey(node.domain, node.op, overload));
      return body === undefined ? [node] : this.expandCall(graph, node, body, depth + 1);
    });
  }

  private expandCall(graph: Graph, call: Node, body: FunctionProto, depth: number): Node[] {
    this.made += body.node.length;
    if (depth > MAX_DEPTH || this.made > MAX_NODES)
      throw new BlindspotError({
        code: "E_MODEL_FUNCTION",
        subject: call.describe(),
        expected: `functions nested at most ${MAX_DEPTH} deep, ${MAX_NODES} nodes in all`,
        got: depth > MAX_DEPTH ? "deeper calls: the function is perhaps recursive" : "more nodes",
      });
    const instance = this.instantiate(call, body);
    this.expandGraph(instance, depth);
    graph.initializers.push(...instance.initializers);
    return [...instance.nodes, ...connectOutputs(call, instance)];
  }

  /** The body as nodes on the values of the caller. */
  private instantiate(call: Node, body: FunctionProto): Graph {
    const names = (list: readonly string[]) => list.map((name) => ({ name }));
    const graph = graphFromProto(
      create(GraphProtoSchema, {
        name: body.name,
        node: body.node,
        input: names(body.input),
        output: names(body.output),
        valueInfo: body.valueInfo,
      }),
      `function '${body.name}'`,
    );
    bindAttributes(graph, call, body);
    const actual = new Map<Value, Value>();
    graph.inputs.forEach((input, i) => {
      const value = call.inputs[i] ?? null;
      if (value !== null) actual.set(input, value);
      input.dtype = value?.dtype ?? null;
      input.shape = value?.shape ?? null;
    });
    this.matchOpsets(graph, body);
    const missing = new Set(graph.inputs.filter((input) => !actual.has(input)));
    for (const inner of allGraphs(graph))
      for (const node of inner.nodes)
        node.inputs = node.inputs.map((input) => (input !== null && missing.has(input) ? null : input));
    replaceUses(graph, actual);
    graph.outputs = graph.outputs.map((output) => actual.get(output) ?? output);
    const scope = call.name || call.outputs[0]?.name || call.op;
    for (const value of [...graph.initializers, ...graph.nodes.flatMap((node) => node.outputs)])
      if (value.name !== "") value.name = `${scope}/${value.name}`;
    for (const node of graph.nodes) node.name = `${scope}/${node.name || node.op}`;
    return graph;
  }

  private matchOpsets(graph: Graph, body: FunctionProto): void {
    for (const [domain, version] of opsetsOf(body)) {
      const outer = this.model.opsets.get(domain);
      if (domain === "") {
        const inside = new Model(graph, version);
        upgradeOpset(inside, this.model.opset, this.table);
      } else if (outer === undefined) this.model.opsets.set(domain, version);
      else if (outer !== version)
        throw new BlindspotError({
          code: "E_MODEL_OPSET",
          subject: `function '${body.name}'`,
          expected: `version ${outer} of ${domain}, as the model`,
          got: `version ${version}`,
        });
    }
  }
}

/** References to the function's attributes become the caller's attributes, or the function's defaults, or vanish. */
function bindAttributes(graph: Graph, call: Node, body: FunctionProto): void {
  const defaults = new Map<string, Attribute>();
  for (const proto of body.attributeProto) {
    const attribute = attributeFromProto(proto, call.describe(), (inner) => graphFromProto(inner, call.describe()));
    if (!("code" in attribute)) defaults.set(proto.name, attribute);
  }
  for (const inner of allGraphs(graph)) {
    for (const node of inner.nodes) {
      for (const [name, attribute] of node.attributes) {
        const reference = attribute.type === "opaque" ? (attribute.value as AttributeProto).refAttrName : "";
        if (reference === "") continue;
        const bound = call.attributes.get(reference) ?? defaults.get(reference);
        if (bound === undefined) node.attributes.delete(name);
        else node.attributes.set(name, bound);
      }
    }
  }
}

/** Lets the body's last nodes make the caller's values; Identity where the body hands a value through or twice. */
function connectOutputs(call: Node, instance: Graph): Node[] {
  const extra: Node[] = [];
  const replaced = new Map<Value, Value>();
  call.outputs.forEach((output, i) => {
    const inner = instance.outputs[i];
    if (inner === undefined) return;
    const maker = inner.producer;
    if (maker === null || !instance.nodes.includes(maker) || replaced.has(inner)) {
      extra.push(new Node("Identity", [replaced.get(inner) ?? inner], [output]));
      return;
    }
    maker.outputs[maker.outputs.indexOf(inner)] = output;
    output.producer = maker;
    replaced.set(inner, output);
  });
  replaceUses(instance, replaced);
  return extra;
}
