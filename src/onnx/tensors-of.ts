import type { AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto } from "./onnx.gen.ts";

/** Every tensor in a model: weights, attributes, subgraphs, functions, training graphs. */
export function* tensorsOf(model: ModelProto): Generator<TensorProto> {
  if (model.graph !== undefined) yield* ofGraph(model.graph);
  for (const body of model.functions) {
    yield* ofNodes(body.node);
    for (const attribute of body.attributeProto) yield* ofAttribute(attribute);
  }
  for (const training of model.trainingInfo) {
    if (training.initialization !== undefined) yield* ofGraph(training.initialization);
    if (training.algorithm !== undefined) yield* ofGraph(training.algorithm);
  }
}

function* ofGraph(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const sparse of graph.sparseInitializer) yield* ofSparse(sparse);
  yield* ofNodes(graph.node);
}

function* ofNodes(nodes: readonly NodeProto[]): Generator<TensorProto> {
  for (const node of nodes) for (const attribute of node.attribute) yield* ofAttribute(attribute);
}

function* ofAttribute(attribute: AttributeProto): Generator<TensorProto> {
  if (attribute.t !== undefined) yield attribute.t;
  yield* attribute.tensors;
  if (attribute.sparseTensor !== undefined) yield* ofSparse(attribute.sparseTensor);
  for (const sparse of attribute.sparseTensors) yield* ofSparse(sparse);
  if (attribute.g !== undefined) yield* ofGraph(attribute.g);
  for (const graph of attribute.graphs) yield* ofGraph(graph);
}

function* ofSparse(sparse: SparseTensorProto): Generator<TensorProto> {
  if (sparse.values !== undefined) yield sparse.values;
  if (sparse.indices !== undefined) yield sparse.indices;
}
