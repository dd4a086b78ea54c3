import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { readNpy, writeNpy } from "./npy.ts";
import { readNpz, writeNpz } from "./npz.ts";
import { float32, int64, type Tensor, tensor } from "./tensor.ts";

const data = process.env["BLINDSPOT_DATA"] ?? "../shared/data";
const sdp = `${data}/mnist/sdp200_X_u8.npy`;

/** The bytes that NumPy 2.4 writes for `numpy.save(f, numpy.array([[1, -2.5]], "<f4"))`. */
function numpyFile(header: string, payload: readonly number[]): Uint8Array {
  const padded = `${header.padEnd(117)}\n`;
  return Uint8Array.from([0x93, ...Buffer.from("NUMPY"), 1, 0, 118, 0, ...Buffer.from(padded), ...payload]);
}
const ROW = numpyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", [0, 0, 128, 63, 0, 0, 32, 192]);

function patched(change: (text: string) => string): Uint8Array {
  return Uint8Array.from(Buffer.from(change(Buffer.from(ROW).toString("latin1")), "latin1"));
}

describe("npy", () => {
  it("reads and writes the bytes that NumPy writes", () => {
    const value = float32([1, 2], [1, -2.5]);
    expect(readNpy(ROW)).toEqual(value);
    expect([...writeNpy(value)]).toEqual([...ROW]);
  });

  it("reads from the middle of a buffer, at any alignment", () => {
    const shifted = Uint8Array.of(0, 0, 0, ...ROW);
    expect(readNpy(shifted.subarray(3))).toEqual(float32([1, 2], [1, -2.5]));
  });

  const values: Tensor[] = [
    tensor("uint8", [2, 2], Uint8Array.of(0, 1, 254, 255)),
    int64([3], [-1, 0, 7]),
    tensor("float64", [], Float64Array.of(Math.PI)),
    tensor("bool", [2], Uint8Array.of(0, 1)),
    tensor("int32", [0, 4], new Int32Array(0)),
    tensor("string", [3], ["stop", "", "Fußgänger 🚸"]),
  ];
  it.each(values)("round trip of $dtype [$dims]", (value) => {
    expect(readNpy(writeNpy(value))).toEqual(value);
  });

  it("round trip of any float32, NaN included", () => {
    fc.assert(
      fc.property(fc.float32Array(), (array) => {
        expect(readNpy(writeNpy(float32([array.length], array))).data).toEqual(array);
      }),
    );
  });

  it.each([
    ["other bytes", Uint8Array.of(1, 2, 3), "E_NPY_MAGIC"],
    ["a cut header", ROW.subarray(0, 40), "E_NPY_HEADER"],
    ["too little data", ROW.subarray(0, ROW.length - 1), "E_NPY_SIZE"],
    ["too much data", Uint8Array.of(...ROW, 0), "E_NPY_SIZE"],
    ["a size that lies", patched((text) => text.replace("(1, 2)", "(9999999999, 2)")), "E_NPY_SIZE"],
    ["Fortran order", patched((text) => text.replace("False", "True ")), "E_NPY_ORDER"],
    ["big-endian numbers", patched((text) => text.replace("<f4", ">f4")), "E_NPY_DTYPE"],
    ["Python objects", patched((text) => text.replace("<f4", "|O ")), "E_NPY_DTYPE"],
    ["a broken dictionary", patched((text) => text.replace("shape", "shope")), "E_NPY_HEADER"],
  ])("refuses %s", (_, bytes, code) => {
    expect(() => readNpy(bytes)).toThrow(code);
  });

  it.skipIf(!existsSync(sdp))("reads a file of NumPy's own", () => {
    const value = readNpy(new Uint8Array(readFileSync(sdp)));
    expect(value.dims).toEqual([200, 28, 28, 1]);
    expect(value.dtype).toBe("uint8");
  });
});

describe("npz", () => {
  const arrays = { x: float32([2, 2], [1, 2, 3, 4]), y: int64([2], [0, 1]) };

  it("round trip, the same bytes each time", () => {
    expect(readNpz(writeNpz(arrays))).toEqual(arrays);
    expect(writeNpz(arrays)).toEqual(writeNpz(arrays));
  });

  it("unpacks only what is asked for", () => {
    expect(Object.keys(readNpz(writeNpz(arrays), { keys: ["y", "group"] }))).toEqual(["y"]);
  });

  it("refuses what would unpack to more than the limit", () => {
    const bomb = zipSync({ "x.npy": new Uint8Array(1_000_000) });
    expect(bomb.length).toBeLessThan(2_000);
    expect(() => readNpz(bomb, { maxBytes: 100_000 })).toThrow("E_NPZ_SIZE");
  });

  it("refuses a bomb whose declared size lies", () => {
    const bomb = zipSync({ "x.npy": new Uint8Array(1_000_000) });
    const view = new DataView(bomb.buffer);
    // The uncompressed size in the central directory, 24 bytes after its signature.
    const at = Buffer.from(bomb.buffer).indexOf(Uint8Array.of(0x50, 0x4b, 1, 2));
    view.setUint32(at + 24, 1_000, true);
    expect(() => readNpz(bomb, { maxBytes: 100_000 })).toThrow(/E_NP/);
  });

  it("refuses a cut file", () => {
    const whole = writeNpz(arrays);
    expect(() => readNpz(whole.subarray(0, whole.length - 10), { subject: "cut.npz" })).toThrow("E_NPZ_FORMAT cut.npz");
  });
});
