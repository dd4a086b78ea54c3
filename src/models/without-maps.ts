import { cloneModel, writeModel } from "../graph/index.ts";
import type { OpenedModel } from "./open-model.ts";

/**
 * scikit-learn's converters end classifiers with ZipMap, which makes a list of maps from class to probability of a tensor of probabilities; tensors alone
 * leave the runtime. The operator is taken off: its input is the output then. `note` says so; null where there was none.
 */
export function withoutMaps(opened: OpenedModel): { readonly opened: OpenedModel; readonly note: string | null } {
  const isMap = (output: { producer: { op: string; domain: string } | null }) =>
    output.producer?.op === "ZipMap" && output.producer.domain === "ai.onnx.ml";
  if (!opened.model.graph.outputs.some(isMap)) return { opened, note: null };
  const model = cloneModel(opened.model);
  const { graph } = model;
  const maps = new Set(graph.outputs.filter(isMap).map((output) => output.producer!));
  const keys = [...maps].flatMap(({ attributes }) => {
    const given = attributes.get("classlabels_strings") ?? attributes.get("classlabels_int64s");
    return given?.type === "strings" || given?.type === "ints" ? given.value.map(String) : [];
  });
  graph.outputs = graph.outputs.map((output) => (isMap(output) ? output.producer!.inputs[0]! : output));
  graph.nodes = graph.nodes.filter((node) => !maps.has(node));
  const note = `probabilities taken before the final ZipMap${keys.length === 0 ? "" : `; its keys in order: ${keys.join(", ")}`}`;
  return { opened: { ...opened, model, bytes: writeModel(model) }, note };
}
