import { float32, int64Vector, type Tensor, toNumbers } from "../../tensor/tensor.ts";
import { GraphBuilder } from "../builder.ts";
import type { Model, Node, Value } from "../ir.ts";

/**
 * Gives `Pad` and `Resize` a count or a scale for every axis, in place of those for the axes that they name (opset 18), where all is known. ONNX Runtime (1.30 to 1.32)
 * moves a Transpose past them as if no axes were named: the run then ends with an index out of bounds. We put a Transpose before every model that takes
 * channels first.
 */
export function withoutNamedAxes(model: Model): void {
  const builder = new GraphBuilder(model.graph, { get: () => undefined });
  for (const node of model.graph.nodes) {
    if (node.domain !== "") continue;
    if (node.op === "Pad") padAll(node, builder);
    if (node.op === "Resize") scaleAll(node, builder);
  }
}

function padAll(node: Node, builder: GraphBuilder): void {
  const [x, given, value, named] = node.inputs;
  const [rank, pads, axes] = [x?.rank ?? null, numbersOf(given), numbersOf(named)];
  if (rank === null || pads === null || axes === null || pads.length !== 2 * axes.length) return;
  const all = new Array<number>(2 * rank).fill(0);
  for (const [i, axis] of axes.entries()) {
    const at = axis < 0 ? axis + rank : axis;
    all[at] = pads[i]!;
    all[rank + at] = pads[axes.length + i]!;
  }
  node.inputs = [x!, builder.initializer("pads", int64Vector(all)), ...(value == null ? [] : [value])];
}

function scaleAll(node: Node, builder: GraphBuilder): void {
  const [x, roi, given, sizes] = node.inputs;
  const [rank, scales, axes] = [x?.rank ?? null, numbersOf(given), node.ints("axes")];
  if (rank === null || roi != null || sizes != null || scales === null || scales.length !== axes?.length) return;
  const all = new Array<number>(rank).fill(1);
  for (const [i, axis] of axes.entries()) all[axis < 0 ? axis + rank : axis] = scales[i]!;
  node.inputs = [x!, null, builder.initializer("scales", float32([rank], all))];
  node.attributes.delete("axes");
}

function numbersOf(value: Value | null | undefined): number[] | null {
  const constant: Tensor | null = value?.constant ?? null;
  return constant === null ? null : toNumbers(constant);
}
