import { linkSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BlindspotError } from "../base/errors.ts";
import { decodeModel, encodeModel } from "./codec.ts";
import { readModelFile } from "./external-data.ts";
import { ModelProtoSchema, TensorProto_DataLocation } from "./onnx.gen.ts";
import { isProblem, tensorFromProto } from "./tensor-proto.ts";

let folder: string;
let model: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-external-"));
  mkdirSync(join(folder, "model"));
  model = join(folder, "model", "net.onnx");
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

type Entries = Readonly<Record<string, string>>;

/** A model of two-element float weights that lie in other files. */
function writeNet(weights: readonly Entries[], dims = [2n]): void {
  const initializer = weights.map((entries, i) => ({
    name: `w${i}`,
    dataType: 1,
    dims,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  }));
  writeFileSync(model, encodeModel(create(ModelProtoSchema, { graph: { initializer } })));
}

function writeData(name: string, values: readonly number[]): void {
  writeFileSync(join(folder, name), Float32Array.from(values));
}

async function codes(): Promise<string[]> {
  const error = await readModelFile(model).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BlindspotError);
  return (error as BlindspotError).problems.map((problem) => problem.code);
}

test("data of other files comes into the model, offsets and lengths heeded", async () => {
  writeData("model/data.bin", [1, 2, 3, 4, 5]);
  mkdirSync(join(folder, "model", "sub"));
  writeData("model/sub/more.bin", [6, 7]);
  writeNet([
    { location: "data.bin" },
    { location: "data.bin", offset: "8", length: "8" },
    { location: "sub/more.bin" },
  ]);
  const file = await readModelFile(model);
  const weights = decodeModel(file.model).graph!.initializer.map((proto) => tensorFromProto(proto));
  expect(weights.map((weight) => isProblem(weight) || [...(weight.data as Float32Array)])).toEqual([
    [1, 2],
    [3, 4],
    [6, 7],
  ]);
  expect(file.externalFiles).toEqual(["data.bin", "sub/more.bin"]);
});

test("a model without external data is the file itself", async () => {
  const bytes = encodeModel(create(ModelProtoSchema, { graph: { name: "g" } }));
  writeFileSync(model, bytes);
  expect(await readModelFile(model)).toEqual({ model: bytes, externalFiles: [] });
});

describe("data outside the model's folder is refused", () => {
  test.each([
    "../secret.bin",
    "sub/../../secret.bin",
    "..\\secret.bin",
    "/etc/hostname",
    "\\\\host\\share",
    "C:\\secret.bin",
    "",
    "a\0b",
  ])("%j", async (location) => {
    writeData("secret.bin", [1, 2]);
    writeNet([{ location }]);
    expect(await codes()).toEqual(["E_ONNX_EXTERNAL_PATH"]);
  });

  test("a symbolic link that leads out, on the file or on the way", async () => {
    writeData("secret.bin", [1, 2]);
    symlinkSync("../secret.bin", join(folder, "model", "link.bin"));
    symlinkSync("..", join(folder, "model", "up"));
    writeNet([{ location: "link.bin" }, { location: "up/secret.bin" }]);
    expect(await codes()).toEqual(["E_ONNX_EXTERNAL_PATH", "E_ONNX_EXTERNAL_PATH"]);
  });

  test("a hard link", async () => {
    writeData("secret.bin", [1, 2]);
    linkSync(join(folder, "secret.bin"), join(folder, "model", "link.bin"));
    writeNet([{ location: "link.bin" }]);
    expect(await codes()).toEqual(["E_ONNX_EXTERNAL_PATH"]);
  });

  test("a folder in place of a file", async () => {
    mkdirSync(join(folder, "model", "data.bin"));
    writeNet([{ location: "data.bin" }]);
    expect(await codes()).toEqual(["E_ONNX_EXTERNAL_PATH"]);
  });

  test("a symbolic link that stays inside is followed", async () => {
    writeData("model/data.bin", [1, 2]);
    symlinkSync("data.bin", join(folder, "model", "link.bin"));
    writeNet([{ location: "link.bin" }]);
    expect((await readModelFile(model)).externalFiles).toEqual(["link.bin"]);
  });
});

describe("sizes that lie", () => {
  test("every problem of the file at once", async () => {
    writeData("model/data.bin", [1, 2, 3]);
    writeNet([
      { location: "data.bin", length: "12" },
      { location: "data.bin", offset: "-4" },
      { location: "data.bin", offset: "8" },
      { location: "data.bin", offset: "1e99" },
      { location: "missing.bin" },
      { location: "../data.bin" },
    ]);
    expect((await codes()).sort()).toEqual([...new Array(5).fill("E_ONNX_EXTERNAL_DATA"), "E_ONNX_EXTERNAL_PATH"]);
  });

  test("dims whose product no file can hold", async () => {
    writeData("model/data.bin", [1, 2, 3]);
    writeNet([{ location: "data.bin" }], [1n << 40n, 1n << 40n]);
    expect(await codes()).toEqual(["E_ONNX_EXTERNAL_DATA"]);
  });

  test("many tensors on one file, more than fits", async () => {
    writeData("model/data.bin", [1, 2]);
    writeNet(new Array(100).fill({ location: "data.bin" }));
    const limited = readModelFile(model, { limits: { bytes: statSync(model).size + 700 } });
    await expect(limited).rejects.toThrow("E_ONNX_TOO_LARGE");
  });
});

test.each(["missing.onnx", "."])("%s is no readable model file", async (name) => {
  await expect(readModelFile(join(folder, "model", name))).rejects.toThrow("E_ONNX_FILE");
});
