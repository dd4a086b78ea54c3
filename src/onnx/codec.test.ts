import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { BlindspotError } from "../base/errors.ts";
import { decodeModel, encodeModel } from "./codec.ts";
import {
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  TypeProtoSchema,
} from "./onnx.gen.ts";

const ascii = (text: string) => new TextEncoder().encode(text);
const latin1 = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

function codeOf(bytes: Uint8Array, limits = {}): string {
  try {
    decodeModel(bytes, { limits });
    return "read";
  } catch (error) {
    expect(error).toBeInstanceOf(BlindspotError);
    return (error as BlindspotError).code;
  }
}

function small(): Uint8Array {
  return encodeModel(create(ModelProtoSchema, { irVersion: 8n, graph: { name: "g", node: [{ opType: "Relu" }] } }));
}

test("a model goes out and in", () => {
  expect(encodeModel(decodeModel(small()))).toEqual(small());
});

describe("what is no model is told from one that is damaged", () => {
  test.each([
    { what: "an empty file", bytes: new Uint8Array(0), code: "E_ONNX_NOT_A_MODEL" },
    {
      what: "a Git LFS pointer",
      bytes: ascii("version https://git-lfs.github.com/spec/v1\n"),
      code: "E_ONNX_NOT_A_MODEL",
    },
    { what: "a PyTorch archive", bytes: latin1("PK\u0003\u0004rest"), code: "E_ONNX_NOT_A_MODEL" },
    { what: "an HDF5 file", bytes: latin1("\u0089HDF\r\n\u001a\n"), code: "E_ONNX_NOT_A_MODEL" },
    { what: "a web page", bytes: ascii("<!DOCTYPE html>"), code: "E_ONNX_NOT_A_MODEL" },
    { what: "a message without a graph", bytes: Uint8Array.of(0x08, 8), code: "E_ONNX_NOT_A_MODEL" },
    { what: "half a model", bytes: small().slice(0, -3), code: "E_ONNX_TRUNCATED" },
    { what: "a wire type that no field has", bytes: Uint8Array.of(0x08, 8, 0x0f), code: "E_ONNX_CORRUPT" },
    { what: "a text file", bytes: ascii("cat\ndog\n"), code: "E_ONNX_NOT_A_MODEL" },
    { what: "a graph that is a number", bytes: Uint8Array.of(0x08, 8, 0x38, 1), code: "E_ONNX_CORRUPT" },
    {
      what: "an inner length beyond its parent",
      bytes: Uint8Array.of(0x3a, 2, 0x0a, 5, 0, 0, 0, 0, 0),
      code: "E_ONNX_CORRUPT",
    },
    { what: "zeros", bytes: new Uint8Array(64), code: "E_ONNX_NOT_A_MODEL" },
  ])("$what", ({ bytes, code }) => {
    expect(codeOf(bytes)).toBe(code);
  });

  test("a message says what was given and what to do", () => {
    expect(() => decodeModel(latin1("PK\u0003\u0004"), { label: "net.onnx" })).toThrowErrorMatchingInlineSnapshot(
      `[BlindspotError: E_ONNX_NOT_A_MODEL net.onnx: expected an ONNX model, got a zip archive (PyTorch .pt, Keras .keras). Export the model to ONNX first]`,
    );
  });
});

describe("hostile files are refused before they cost memory", () => {
  /** A graph of `count` empty messages: two bytes each in the file, some hundred in memory. */
  function emptyNodes(count: number): Uint8Array {
    const graph = new Uint8Array(2 * count);
    for (let i = 0; i < count; i++) graph[2 * i] = 0x0a;
    const length: number[] = [];
    for (let rest = graph.length; ; rest >>>= 7) {
      length.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) break;
    }
    return Uint8Array.of(0x3a, ...length, ...graph);
  }

  test("messages that unfold", () => {
    expect(codeOf(emptyNodes(1000))).toBe("read");
    expect(codeOf(emptyNodes(1000), { heapBytes: 400_000 })).toBe("E_ONNX_TOO_LARGE");
  });

  test("at the default limit, in little time and memory", () => {
    const graph = new Uint8Array(6_000_000).fill(0).map((_, i) => (i % 2 === 0 ? 0x0a : 0));
    const bytes = toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n }));
    const header = [0x3a, 0x80, 0x9b, 0xee, 0x02];
    const file = new Uint8Array(bytes.length + header.length + graph.length);
    file.set(bytes);
    file.set(header, bytes.length);
    file.set(graph, bytes.length + header.length);
    const before = process.memoryUsage().heapUsed;
    const start = performance.now();
    expect(codeOf(file)).toBe("E_ONNX_TOO_LARGE");
    expect(performance.now() - start).toBeLessThan(15_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100e6);
  });

  test("packed integers that unfold into big ones", () => {
    const node = create(NodeProtoSchema, {
      attribute: [create(AttributeProtoSchema, { ints: new Array(1000).fill(1n) })],
    });
    const bytes = encodeModel(create(ModelProtoSchema, { graph: { node: [node] } }));
    expect(codeOf(bytes)).toBe("read");
    expect(codeOf(bytes, { heapBytes: 20_000 })).toBe("E_ONNX_TOO_LARGE");
  });

  test("subgraphs nested too deep", () => {
    let graph: GraphProto = create(GraphProtoSchema, { name: "innermost" });
    for (let i = 0; i < 40; i++)
      graph = create(GraphProtoSchema, { node: [{ opType: "If", attribute: [{ name: "then_branch", g: graph }] }] });
    expect(codeOf(encodeModel(create(ModelProtoSchema, { graph })))).toBe("E_ONNX_TOO_LARGE");
  });

  test("types nested too deep", () => {
    let type = create(TypeProtoSchema);
    for (let i = 0; i < 200; i++)
      type = create(TypeProtoSchema, { value: { case: "optionalType", value: { elemType: type } } });
    const bytes = encodeModel(create(ModelProtoSchema, { graph: { input: [{ name: "x", type }] } }));
    expect(codeOf(bytes)).toBe("E_ONNX_TOO_LARGE");
  });

  test("a file above the limit", () => {
    expect(codeOf(small(), { bytes: 4 })).toBe("E_ONNX_TOO_LARGE");
  });
});
