import { BlindspotError, type Problem } from "../base/errors.ts";
import {
  arrayType,
  bytesPerElement,
  type DType,
  type NumericData,
  type NumericDType,
  sizeOf,
  type Tensor,
} from "./tensor.ts";

/**
 * NumPy's .npy files, versions 1 to 3 (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): little-endian, C order.
 * Typed arrays are read and written in the byte order of the host, which is little-endian wherever JavaScript runs today.
 */
const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MAX_HEADER_BYTES = 65_536;
const MAX_RANK = 32;
const HEADER_ALIGNMENT = 64;

/** Type codes of NumPy. One-byte types carry `|`, the others `<`; float16 stays raw bits. */
const CODES: Readonly<Record<string, NumericDType>> = {
  "|b1": "bool",
  "|u1": "uint8",
  "|i1": "int8",
  "<u2": "uint16",
  "<i2": "int16",
  "<u4": "uint32",
  "<i4": "int32",
  "<u8": "uint64",
  "<i8": "int64",
  "<f2": "float16",
  "<f4": "float32",
  "<f8": "float64",
};
const CODE_OF = new Map<DType, string>(Object.entries(CODES).map(([code, dtype]) => [dtype, code]));

function fail(subject: string, problem: Omit<Problem, "subject">): never {
  throw new BlindspotError({ subject, ...problem });
}

interface Header {
  readonly code: string;
  readonly dims: readonly number[];
  /** Where the data begins. */
  readonly offset: number;
}

function readHeader(bytes: Uint8Array, subject: string): Header {
  if (!isNpy(bytes))
    fail(subject, { code: "E_NPY_MAGIC", expected: "an .npy file", got: `${bytes.length} other bytes` });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6] ?? 0;
  if (version < 1 || version > 3)
    fail(subject, { code: "E_NPY_VERSION", expected: "version 1, 2 or 3", got: `${version}` });
  const lengthBytes = version === 1 ? 2 : 4;
  const start = 8 + lengthBytes;
  const length = bytes.length < start ? 0 : version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length === 0 || length > MAX_HEADER_BYTES || start + length > bytes.length)
    fail(subject, { code: "E_NPY_HEADER", expected: `a whole header of at most ${MAX_HEADER_BYTES} bytes` });
  const text = new TextDecoder(version === 3 ? "utf-8" : "latin1").decode(bytes.subarray(start, start + length));
  const code = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(text)?.[1];
  if (code === undefined || fortran === undefined || shape === undefined)
    fail(subject, { code: "E_NPY_HEADER", expected: "descr, fortran_order and shape", got: text.trim().slice(0, 120) });
  const dims = (shape.match(/\d+/g) ?? []).map(Number);
  // The order of elements makes no difference to fewer than two dimensions.
  if (fortran === "True" && dims.length > 1)
    fail(subject, {
      code: "E_NPY_ORDER",
      expected: "C order",
      got: "Fortran order",
      hint: "Save it with numpy.ascontiguousarray",
    });
  if (dims.length > MAX_RANK || !Number.isSafeInteger(sizeOf(dims)))
    fail(subject, { code: "E_NPY_SIZE", expected: `at most ${MAX_RANK} dimensions`, got: `[${dims}]` });
  return { code, dims, offset: start + length };
}

export function isNpy(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads one array. Numbers of 8 to 64 bits, booleans, and NumPy's fixed-width text (`<U`). A file that is shorter or longer
 * than its header says is refused before anything is allocated.
 */
export function readNpy(bytes: Uint8Array, subject = ".npy file"): Tensor {
  const { code, dims, offset } = readHeader(bytes, subject);
  const textWidth = /^<U(\d+)$/.exec(code)?.[1];
  const dtype = CODES[code];
  if (dtype === undefined && textWidth === undefined)
    fail(subject, {
      code: "E_NPY_DTYPE",
      expected: `one of ${Object.keys(CODES).join(" ")} <U`,
      got: code,
      hint: "Convert it with .astype (objects and big-endian numbers are not read)",
    });
  const count = sizeOf(dims);
  const size = count * (dtype === undefined ? 4 * Number(textWidth) : bytesPerElement(dtype));
  if (bytes.length - offset !== size)
    fail(subject, {
      code: "E_NPY_SIZE",
      expected: `${size} bytes of data for [${dims}] of ${code}`,
      got: `${bytes.length - offset}`,
    });
  if (dtype === undefined) return { dtype: "string", dims, data: readText(bytes.subarray(offset), count) };
  // A copy: the data of a file need not begin at a multiple of the element's size.
  const data = new (arrayType(dtype) as new (buffer: ArrayBuffer) => NumericData)(
    new Uint8Array(bytes.subarray(offset)).buffer,
  );
  return { dtype, dims, data };
}

/** UTF-32 code points, padded with zeros to the width of the longest. */
function readText(bytes: Uint8Array, count: number): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = count === 0 ? 0 : bytes.length / 4 / count;
  return Array.from({ length: count }, (_, row) => {
    const points = Array.from({ length: width }, (_, i) => view.getUint32(4 * (row * width + i), true));
    while (points.at(-1) === 0) points.pop();
    return points.map((point) => (point > 0x10ffff ? "\ufffd" : String.fromCodePoint(point))).join("");
  });
}

function writeText(strings: readonly string[]): { code: string; payload: Uint8Array } {
  const rows = strings.map((text) => Array.from(text, (character) => character.codePointAt(0)!));
  const width = Math.max(1, ...rows.map((row) => row.length));
  const points = new Uint32Array(rows.length * width);
  rows.forEach((row, i) => {
    points.set(row, i * width);
  });
  return { code: `<U${width}`, payload: new Uint8Array(points.buffer) };
}

/** The same tensor always gives the same bytes. */
export function writeNpy(value: Tensor): Uint8Array<ArrayBuffer> {
  const { code, payload } =
    value.dtype === "string"
      ? writeText(value.data as readonly string[])
      : numberPayload(value, CODE_OF.get(value.dtype));
  const shape = `(${value.dims.join(", ")}${value.dims.length === 1 ? "," : ""})`;
  const header = `{'descr': '${code}', 'fortran_order': False, 'shape': ${shape}, }`;
  const total = Math.ceil((10 + header.length + 1) / HEADER_ALIGNMENT) * HEADER_ALIGNMENT;
  const bytes = new Uint8Array(total + payload.length);
  bytes.set([...MAGIC, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, total - 10, true);
  bytes.set(new TextEncoder().encode(`${header.padEnd(total - 11)}\n`), 10);
  bytes.set(payload, total);
  return bytes;
}

function numberPayload(value: Tensor, code: string | undefined): { code: string; payload: Uint8Array } {
  if (code === undefined)
    fail(".npy file", { code: "E_NPY_DTYPE", expected: "a type that NumPy has", got: value.dtype });
  const data = value.data as NumericData;
  return { code, payload: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}
