import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { dirname, isAbsolute, relative, resolve, sep } from "node:path";
import { BlindspotError, type Problem } from "../base/errors.ts";
import { bytesPerElement } from "../tensor/tensor.ts";
import { type DecodeOptions, decodeModel, encodeModel } from "./codec.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { type TensorProto, TensorProto_DataLocation } from "./onnx.gen.ts";
import { dtypeFromCode, nameOfCode } from "./tensor-proto.ts";
import { tensorsOf } from "./tensors-of.ts";

export interface ModelFile {
  /** Bytes of the model with all its data inside: the file itself where it has no external data. */
  readonly model: Uint8Array;
  /** Files beside it that data came from, relative to the model's folder. */
  readonly externalFiles: readonly string[];
}

/** Where a tensor says that its data is (onnx.proto, `external_data`). */
interface Reference {
  readonly tensor: TensorProto;
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/**
 * Reads a model file, and the external data that it refers to. External data must lie inside the model's folder: absolute paths, `..`,
 * links that lead out (symbolic, or hard links, whose other end can't be told) and special files are refused, so that a model can't
 * read the rest of the disk.
 *
 * @throws BlindspotError with every problem of the file: E_ONNX_FILE, E_ONNX_EXTERNAL_PATH, E_ONNX_EXTERNAL_DATA, or those of `decodeModel`.
 */
export async function readModelFile(path: string, options: DecodeOptions = {}): Promise<ModelFile> {
  const label = options.label ?? path;
  const limit = options.limits?.bytes ?? DEFAULT_LIMITS.bytes;
  const bytes = await readWhole(path, label, limit);
  const proto = decodeModel(bytes, { ...options, label });
  const external = [...tensorsOf(proto)].filter((tensor) => tensor.dataLocation === TensorProto_DataLocation.EXTERNAL);
  if (external.length === 0) return { model: bytes, externalFiles: [] };

  const problems: Problem[] = [];
  const references = external.flatMap((tensor) => {
    const reference = parseReference(tensor, label);
    if ("code" in reference) problems.push(reference);
    return "code" in reference ? [] : [reference];
  });
  const total = references.reduce((sum, reference) => sum + reference.length, bytes.length);
  // Before anything is loaded: many tensors may point at the same large file.
  if (total > limit) {
    const expected = `at most ${limit} bytes of data`;
    throw new BlindspotError([
      ...problems,
      { code: "E_ONNX_TOO_LARGE", subject: label, expected, got: `${total} bytes` },
    ]);
  }
  const byFile = new Map<string, Reference[]>();
  for (const reference of references) {
    const group = byFile.get(reference.location) ?? [];
    group.push(reference);
    byFile.set(reference.location, group);
  }
  const folder = await realpath(dirname(resolve(path)));
  for (const [location, group] of byFile) problems.push(...(await loadFrom(folder, location, group, label)));
  if (problems.length > 0) throw new BlindspotError(problems);
  return { model: encodeModel(proto), externalFiles: [...byFile.keys()] };
}

async function readWhole(path: string, label: string, limit: number): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await file.stat();
    const got = stat.isDirectory() ? "a folder" : stat.isFile() ? undefined : "a special file";
    if (got !== undefined)
      throw new BlindspotError({ code: "E_ONNX_FILE", subject: label, expected: "an .onnx file", got });
    if (stat.size > limit) {
      const expected = `at most ${limit} bytes`;
      throw new BlindspotError({ code: "E_ONNX_TOO_LARGE", subject: label, expected, got: `${stat.size} bytes` });
    }
    return new Uint8Array(await file.readFile());
  } catch (error) {
    if (error instanceof BlindspotError) throw error;
    const got = (error as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : (error as Error).message;
    throw new BlindspotError(
      { code: "E_ONNX_FILE", subject: label, expected: "a readable file", got },
      { cause: error },
    );
  } finally {
    await file?.close();
  }
}

function parseReference(tensor: TensorProto, label: string): Reference | Problem {
  const subject = `${label}: tensor '${tensor.name}'`;
  const entries = new Map(tensor.externalData.map((entry) => [entry.key, entry.value]));
  const location = entries.get("location") ?? "";
  const reason = escapes(location);
  if (reason !== undefined)
    return {
      code: "E_ONNX_EXTERNAL_PATH",
      subject,
      expected: "a file in the model's folder",
      got: `'${location}': ${reason}`,
    };
  const dtype = dtypeFromCode(tensor.dataType);
  if (dtype === undefined || dtype === "string")
    return { code: "E_ONNX_DTYPE", subject, expected: "numbers of 8 bits and more", got: nameOfCode(tensor.dataType) };
  const bytes = tensor.dims.reduce((product, dim) => product * Number(dim), 1) * bytesPerElement(dtype);
  const offset = readCount(entries.get("offset"), 0);
  const length = readCount(entries.get("length"), bytes);
  if (offset === undefined || length !== bytes || !Number.isSafeInteger(bytes) || bytes < 0)
    return {
      code: "E_ONNX_EXTERNAL_DATA",
      subject,
      expected: `an offset, and ${bytes} bytes for dims [${tensor.dims}] of ${dtype}`,
      got: `offset ${entries.get("offset") ?? 0}, length ${entries.get("length") ?? bytes}`,
    };
  return { tensor, location, offset, length };
}

/** Why a location can't be inside the model's folder, judged by its text alone; both kinds of slash count on every system. */
function escapes(location: string): string | undefined {
  if (location === "") return "empty";
  if (location.includes("\0")) return "a null character in it";
  const parts = location.split(/[/\\]/);
  if (isAbsolute(location) || parts[0] === "" || /^[A-Za-z]:/.test(location)) return "an absolute path";
  return parts.includes("..") ? "it leads out" : undefined;
}

function readCount(text: string | undefined, fallback: number): number | undefined {
  if (text === undefined) return fallback;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Puts the data of one file into the tensors that refer to it; returns what is wrong. */
async function loadFrom(
  folder: string,
  location: string,
  group: readonly Reference[],
  label: string,
): Promise<Problem[]> {
  const subject = `${label}: external data '${location}'`;
  let file: FileHandle | undefined;
  try {
    const real = await realpath(resolve(folder, location));
    const inside = relative(folder, real);
    if (inside.startsWith(`..${sep}`) || inside === ".." || isAbsolute(inside))
      return [
        {
          code: "E_ONNX_EXTERNAL_PATH",
          subject,
          expected: "a file in the model's folder",
          got: "a link that leads out",
        },
      ];
    // The real path has no links left in it; O_NOFOLLOW keeps it so if the last part is swapped meanwhile.
    file = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | (constants.O_NOFOLLOW ?? 0));
    const stat = await file.stat();
    if (!stat.isFile())
      return [{ code: "E_ONNX_EXTERNAL_PATH", subject, expected: "a regular file", got: "something else" }];
    if (stat.nlink > 1)
      return [
        {
          code: "E_ONNX_EXTERNAL_PATH",
          subject,
          expected: "a file of its own",
          got: `a hard link (${stat.nlink} names)`,
          hint: "Copy the file into the model's folder",
        },
      ];
    const problems: Problem[] = [];
    for (const reference of group) {
      if (reference.offset + reference.length > stat.size)
        problems.push({
          code: "E_ONNX_EXTERNAL_DATA",
          subject: `${label}: tensor '${reference.tensor.name}'`,
          expected: `bytes ${reference.offset} to ${reference.offset + reference.length} of '${location}'`,
          got: `a file of ${stat.size} bytes`,
        });
      else await embed(file, reference);
    }
    return problems;
  } catch (error) {
    const got = (error as NodeJS.ErrnoException).code === "ENOENT" ? "no such file" : (error as Error).message;
    return [{ code: "E_ONNX_EXTERNAL_DATA", subject, expected: "a readable file", got }];
  } finally {
    await file?.close();
  }
}

async function embed(file: FileHandle, { tensor, offset, length }: Reference): Promise<void> {
  const data = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(data, done, length - done, offset + done);
    if (bytesRead === 0) throw new Error("the file became shorter while it was read");
    done += bytesRead;
  }
  tensor.rawData = data;
  tensor.externalData = [];
  tensor.dataLocation = TensorProto_DataLocation.DEFAULT;
}
