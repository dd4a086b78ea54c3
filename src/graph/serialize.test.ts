import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BlindspotError } from "../base/errors.ts";
import { AttributeProto_AttributeType as Kind, ModelProtoSchema } from "../onnx/onnx.gen.ts";
import { tensorToProto } from "../onnx/tensor-proto.ts";
import { float32, int64Vector } from "../tensor/tensor.ts";
import { GraphBuilder } from "./builder.ts";
import { cloneModel } from "./clone.ts";
import { Graph, Model, Node, Value } from "./ir.ts";
import { printGraph } from "./print.ts";
import { readModel, writeModel } from "./serialize.ts";
import { problemsOf } from "./verify.ts";

type ModelInit = NonNullable<Parameters<typeof create<typeof ModelProtoSchema>>[1]>;

const FLOAT = { value: { case: "tensorType" as const, value: { elemType: 1 } } };
const relu = (input: string, output: string) => ({
  opType: "Relu",
  name: `make ${output}`,
  input: [input],
  output: [output],
});
const port = (name: string) => ({ name, type: FLOAT });

function bytesOf(graph: ModelInit["graph"], init: ModelInit = {}): Uint8Array {
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [{ version: 18n }],
    graph,
    ...init,
  } as ModelInit);
  return toBinary(ModelProtoSchema, model);
}

/** Everything that the IR has no place for. */
function richModel(): Uint8Array {
  const bytes = bytesOf(
    {
      name: "rich",
      docString: "a graph",
      input: [{ name: "x", docString: "an input", type: { ...FLOAT, denotation: "IMAGE" } }],
      output: [port("y"), port("z")],
      valueInfo: [{ ...port("t"), docString: "inside" }],
      initializer: [
        { ...tensorToProto(float32([2], [1, 2]), "w"), docString: "a weight" },
        { name: "typed", dataType: 1, dims: [1n], floatData: [3] },
      ],
      node: [
        { ...relu("x", "t"), docString: "a node", metadataProps: [{ key: "k", value: "v" }] },
        {
          opType: "Odd",
          domain: "example",
          overload: "two",
          input: ["t", "", "w"],
          output: ["y"],
          attribute: [
            { name: "big", type: Kind.INT, i: 2n ** 63n - 1n, docString: "an attribute" },
            { name: "type", type: Kind.TYPE_PROTO, tp: FLOAT },
            { name: "tensors", type: Kind.TENSORS, tensors: [tensorToProto(int64Vector([1]))] },
          ],
        },
        relu("typed", "z"),
      ],
      quantizationAnnotation: [{ tensorName: "t" }],
    },
    {
      producerVersion: "1.2",
      docString: "a model",
      metadataProps: [{ key: "a", value: "b" }],
      modelVersion: 3n,
      opsetImport: [{ version: 18n }, { domain: "example", version: 2n }],
    },
  );
  // Field 1000, which no version of the schema has: key 8002 as a varint, then a length and two bytes.
  return Uint8Array.of(...bytes, 0xc2, 0x3e, 2, 7, 8);
}

describe("reading and writing", () => {
  test("what the IR has no place for survives", () => {
    const bytes = richModel();
    const written = writeModel(readModel(bytes));
    expect(fromBinary(ModelProtoSchema, written)).toEqual(fromBinary(ModelProtoSchema, bytes));
  });

  test("and survives a copy", () => {
    const model = readModel(richModel());
    expect(writeModel(cloneModel(model))).toEqual(writeModel(model));
  });

  test("a changed attribute, weight or type is written in place of the original", () => {
    const model = readModel(richModel());
    const [, odd] = model.graph.nodes;
    expect(odd!.int("big")).toBe(Number.MAX_SAFE_INTEGER);
    odd!.attributes.set("big", { type: "int", value: 5 });
    model.graph.initializers[0]!.constant = float32([2], [7, 8]);
    model.graph.inputs[0]!.shape = ["N", 3];
    const again = readModel(writeModel(model));
    expect(again.graph.nodes[1]!.int("big")).toBe(5);
    expect(again.graph.initializers[0]!.constant).toEqual(float32([2], [7, 8]));
    expect(again.graph.inputs[0]!.shape).toEqual(["N", 3]);
    expect(fromBinary(ModelProtoSchema, writeModel(model)).graph!.initializer[0]!.docString).toBe("a weight");
  });

  test("aligned weights are views of the file, the others copies", () => {
    for (const shift of [0, 1, 2, 3]) {
      const bytes = bytesOf({
        name: "g".repeat(shift + 1),
        output: [port("w")],
        initializer: [tensorToProto(float32([2], [1, 2]), "w")],
      });
      const data = readModel(bytes).graph.initializers[0]!.constant!.data as Float32Array;
      expect([...data]).toEqual([1, 2]);
      expect(data.byteOffset % 4).toBe(0);
    }
    const views = [0, 1, 2, 3].map((shift) => {
      const bytes = bytesOf({
        name: "g".repeat(shift + 1),
        output: [port("w")],
        initializer: [tensorToProto(float32([2], [1, 2]), "w")],
      });
      return (readModel(bytes).graph.initializers[0]!.constant!.data as Float32Array).buffer === bytes.buffer;
    });
    expect(views.filter(Boolean)).toHaveLength(1);
  });

  test("weights listed as inputs, as before IR version 4, are weights alone", () => {
    const bytes = bytesOf(
      {
        input: [port("x"), port("w")],
        output: [port("y")],
        initializer: [tensorToProto(float32([1], [1]), "w")],
        node: [{ opType: "Add", input: ["x", "w"], output: ["y"] }],
      },
      { irVersion: 3n },
    );
    const model = readModel(bytes);
    expect(model.graph.inputs.map((input) => input.name)).toEqual(["x"]);
    const proto = fromBinary(ModelProtoSchema, writeModel(model));
    expect([proto.irVersion, proto.graph!.input.map((input) => input.name)]).toEqual([4n, ["x"]]);
  });

  test("nodes in any order are sorted, those in order stay", () => {
    const graph = {
      input: [port("x")],
      output: [port("d")],
      node: [relu("c", "d"), relu("x", "a"), relu("x", "b"), relu("a", "c")],
    };
    expect(printGraph(readModel(bytesOf(graph)).graph)).toMatchInlineSnapshot(`
      "(x: float32) -> (d: float32) {
        a = Relu(x)
        b = Relu(x)
        c = Relu(a)
        d: float32 = Relu(c)
      }"
    `);
  });

  test("subgraphs see the values around them, and count as uses", () => {
    const branch = (name: string) => ({ name, output: [port(`${name} out`)], node: [relu("late", `${name} out`)] });
    const bytes = bytesOf({
      input: [port("x"), { name: "flag", type: { value: { case: "tensorType", value: { elemType: 9 } } } }],
      output: [port("y")],
      node: [
        {
          opType: "If",
          input: ["flag"],
          output: ["y"],
          attribute: [
            { name: "then_branch", type: Kind.GRAPH, g: branch("then") },
            { name: "else_branch", type: Kind.GRAPH, g: branch("else") },
          ],
        },
        relu("x", "late"),
      ],
    });
    const model = readModel(bytes);
    expect(printGraph(model.graph)).toMatchInlineSnapshot(`
      "(x: float32, flag: bool) -> (y: float32) {
        late = Relu(x)
        y: float32 = If(flag)
          then_branch: then() -> (then out: float32) {
            then out: float32 = Relu(late)
          }
          else_branch: else() -> (else out: float32) {
            else out: float32 = Relu(late)
          }
      }"
    `);
    expect(printGraph(readModel(writeModel(model)).graph)).toBe(printGraph(model.graph));
  });
});

describe("names at writing", () => {
  test("inner values give way to inputs, outputs and weights; absent outputs stay absent", () => {
    const graph = new Graph("g");
    const x = new Value("x", { dtype: "float32" });
    const inner = new Value("y");
    const y = new Value("y", { dtype: "float32" });
    const unnamed = new Value("");
    graph.inputs = [x];
    graph.nodes = [
      new Node("Relu", [x], [inner]),
      new Node("Split", [inner], [new Value(""), unnamed, new Value("")]),
      new Node("Relu", [unnamed], [y]),
    ];
    graph.outputs = [y];
    expect(printGraph(readModel(writeModel(new Model(graph, 18))).graph)).toMatchInlineSnapshot(`
      "g(x: float32) -> (y: float32) {
        y_1 = Relu(x)
        _, value, _ = Split(y_1)
        y: float32 = Relu(value)
      }"
    `);
  });
});

describe("what is wrong with a file is said, all at once", () => {
  test("duplicates, undefined values, cycles, sizes that lie, unknown element types", () => {
    const bytes = bytesOf({
      name: "bad",
      input: [port("x"), port("x")],
      output: [port("y"), port("nowhere")],
      initializer: [
        { name: "w", dataType: 1, dims: [1000n, 1000n], rawData: new Uint8Array(8) },
        { name: "q", dataType: 22, dims: [2n], rawData: new Uint8Array(1) },
      ],
      node: [relu("missing", "y"), relu("x", "y"), relu("b", "a"), relu("a", "b")],
    });
    expect(() => readModel(bytes, { label: "bad.onnx" })).toThrowErrorMatchingInlineSnapshot(`
      [BlindspotError: E_MODEL_DUPLICATE_NAME bad.onnx: graph 'bad', inputs: expected each value to be defined once, got a second 'x'
      E_ONNX_TENSOR_SIZE bad.onnx: tensor 'w': expected 4000000 bytes for dims [1000,1000] of float32, got 8 bytes
      E_ONNX_DTYPE bad.onnx: tensor 'q': expected float, integer, bool or string elements of 8 bits and more, got INT4
      E_MODEL_DUPLICATE_NAME bad.onnx: Relu 'make y': expected each value to be defined once, got a second 'y'
      E_MODEL_UNDEFINED_VALUE bad.onnx: Relu 'make y': expected a value that the graph defines, got 'missing'
      E_MODEL_UNDEFINED_VALUE bad.onnx: graph 'bad', outputs: expected a value that the graph defines, got 'nowhere'
      E_MODEL_CYCLE bad.onnx: graph 'bad': expected a graph without cycles, got Relu 'make a', Relu 'make b' waiting for each other]
    `);
  });

  test("a built graph that can't be written", () => {
    const graph = new Graph("g");
    const builder = new GraphBuilder(graph, { get: () => undefined });
    const x = builder.input("x", { dtype: "float32", shape: [1] });
    const [y] = builder.node("Relu", [x]);
    const [z] = builder.node("Relu", [new Value("stray")]);
    builder.output(y!);
    builder.output(y!);
    graph.nodes.unshift(new Node("Add", [z!, x], [y!]));
    expect(problemsOf(new Model(graph, 18)).map(({ code, subject }) => `${code} ${subject}`)).toMatchInlineSnapshot(`
      [
        "E_MODEL_DUPLICATE_NAME graph 'g'",
        "E_MODEL_ORDER Add 'Relu'",
        "E_MODEL_DUPLICATE_NAME Relu 'Relu'",
        "E_MODEL_PRODUCER Relu 'Relu'",
        "E_MODEL_UNDEFINED_VALUE Relu 'Relu_0'",
      ]
    `);
    expect(() => writeModel(new Model(graph, 18))).toThrow(BlindspotError);
  });
});

describe("damaged files", () => {
  const bytes = richModel();
  const survives = (damaged: Uint8Array): void => {
    try {
      writeModel(readModel(damaged));
    } catch (error) {
      expect(error).toBeInstanceOf(BlindspotError);
    }
  };

  test("each truncation is refused or read", () => {
    for (let length = 0; length < bytes.length; length++) survives(bytes.slice(0, length));
  });

  test("flipped bytes never crash the reader or the writer", () => {
    const flip = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }));
    fc.assert(
      fc.property(fc.array(flip, { minLength: 1, maxLength: 6 }), (flips) => {
        const damaged = bytes.slice();
        for (const [at, mask] of flips) damaged[at]! ^= mask;
        survives(damaged);
      }),
      { numRuns: 3000, seed: 1 },
    );
  });
});
