import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { BlindspotError } from "../base/errors.ts";

/** What a file may cost before we refuse it. */
export interface DecodeLimits {
  /** Bytes of the file. Protobuf itself can't hold 2 GiB. */
  readonly bytes: number;
  /** Estimated heap that decoding takes beside the file: a 2-byte empty message becomes an object of some hundred bytes. */
  readonly heapBytes: number;
  /** Nested messages; each subgraph (If, Loop, Scan) takes three. */
  readonly depth: number;
}

export const DEFAULT_LIMITS: DecodeLimits = { bytes: 2 ** 31 - 1, heapBytes: 2 ** 30, depth: 64 };

// Measured on Node 20, rounded up: an empty NodeProto with its four arrays, a BigInt in an array, a number in an array.
const MESSAGE_COST = 480;
const BIGINT_COST = 32;
const NUMBER_COST = 8;
const STRING_COST = 40;

const VARINT_64 = new Set([ScalarType.INT64, ScalarType.UINT64, ScalarType.SINT64]);

type FieldMap = ReadonlyMap<number, DescField>;
const fieldMaps = new WeakMap<DescMessage, FieldMap>();

function fieldsOf(message: DescMessage): FieldMap {
  let map = fieldMaps.get(message);
  if (map === undefined) {
    map = new Map(message.fields.map((field) => [field.number, field]));
    fieldMaps.set(message, map);
  }
  return map;
}

/** The wire type that an unpacked value of a field must have. */
export function wireTypeOf(field: DescField): WireType {
  if (field.message !== undefined) return WireType.LengthDelimited;
  if (field.scalar === undefined) return WireType.Varint;
  if (field.scalar === ScalarType.FLOAT) return WireType.Bit32;
  if (field.scalar === ScalarType.DOUBLE) return WireType.Bit64;
  return field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES
    ? WireType.LengthDelimited
    : WireType.Varint;
}

/**
 * Walks the wire format without building anything, so that a hostile file is refused before it costs memory: lengths lie inside
 * their parent, wire types fit the schema, nesting and estimated heap stay under the limits. Linear time, constant memory.
 *
 * @throws BlindspotError E_ONNX_TOO_LARGE, E_ONNX_TRUNCATED, E_ONNX_CORRUPT.
 */
export function scanWire(bytes: Uint8Array, schema: DescMessage, label: string, limits: DecodeLimits): void {
  const refuse = (code: string, got: string, expected: string, hint?: string): never => {
    throw new BlindspotError({ code, subject: label, expected, got, ...(hint === undefined ? {} : { hint }) });
  };
  if (bytes.length > limits.bytes) refuse("E_ONNX_TOO_LARGE", `${bytes.length} bytes`, `at most ${limits.bytes} bytes`);
  const reader = new BinaryReader(bytes);
  let heap = 0;

  const spend = (cost: number): void => {
    heap += cost;
    if (heap > limits.heapBytes)
      refuse(
        "E_ONNX_TOO_LARGE",
        "a file that unfolds to more",
        `at most ${limits.heapBytes} bytes of memory to decode it`,
      );
  };
  const lengthInside = (end: number, where: string): number => {
    const length = reader.uint32();
    const stop = reader.pos + length;
    if (stop > bytes.length)
      refuse(
        "E_ONNX_TRUNCATED",
        `a file that ends ${stop - bytes.length} bytes early`,
        `${length} bytes of ${where}`,
        "The file is cut short or damaged: copy it again",
      );
    if (stop > end) refuse("E_ONNX_CORRUPT", `${where} longer than what holds it`, "nested lengths that fit");
    return stop;
  };

  const scanPacked = (field: DescField, end: number): void => {
    const stop = lengthInside(end, field.name);
    if (field.scalar === ScalarType.FLOAT) spend(((stop - reader.pos) / 4) * NUMBER_COST);
    else if (field.scalar === ScalarType.DOUBLE) spend(((stop - reader.pos) / 8) * NUMBER_COST);
    else spend((stop - reader.pos) * (VARINT_64.has(field.scalar!) ? BIGINT_COST : NUMBER_COST));
    reader.pos = stop;
  };
  const scanValue = (field: DescField, wireType: WireType, end: number, depth: number): void => {
    const expected = wireTypeOf(field);
    if (wireType !== expected) {
      const packable = field.fieldKind === "list" && expected !== WireType.LengthDelimited;
      if (!packable || wireType !== WireType.LengthDelimited)
        refuse(
          "E_ONNX_CORRUPT",
          `wire type ${wireType}`,
          `wire type ${expected} for ${field.parent.name}.${field.name}`,
        );
      scanPacked(field, end);
    } else if (field.message !== undefined) {
      const stop = lengthInside(end, field.name);
      scanMessage(field.message, stop, depth + 1);
    } else if (wireType === WireType.LengthDelimited) {
      const stop = lengthInside(end, field.name);
      // Bytes stay views of the file; strings are decoded.
      spend(field.scalar === ScalarType.STRING ? STRING_COST + (stop - reader.pos) : STRING_COST);
      reader.pos = stop;
    } else {
      reader.skip(wireType, field.number);
      spend(field.fieldKind === "list" ? BIGINT_COST : 0);
    }
  };
  const scanMessage = (message: DescMessage, end: number, depth: number): void => {
    spend(MESSAGE_COST);
    if (depth > limits.depth) refuse("E_ONNX_TOO_LARGE", "more", `at most ${limits.depth} nested messages`);
    const fields = fieldsOf(message);
    while (reader.pos < end) {
      const [number, wireType] = reader.tag();
      const field = fields.get(number);
      if (field === undefined) {
        reader.skip(wireType, number, limits.depth);
        spend(STRING_COST);
      } else scanValue(field, wireType, end, depth);
    }
    if (reader.pos > end)
      refuse("E_ONNX_CORRUPT", `a field of ${message.name} that runs over`, "nested lengths that fit");
  };

  try {
    scanMessage(schema, bytes.length, 0);
  } catch (error) {
    if (error instanceof BlindspotError) throw error;
    const truncated = error instanceof RangeError;
    throw new BlindspotError(
      {
        code: truncated ? "E_ONNX_TRUNCATED" : "E_ONNX_CORRUPT",
        subject: label,
        expected: "the protobuf wire format",
        got: truncated ? "a file that ends inside a field" : (error as Error).message,
        hint: "The file is cut short or damaged: copy it again",
      },
      { cause: error },
    );
  }
}
