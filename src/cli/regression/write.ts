import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError, writeWhole } from "../../assess/files.ts";

export async function writeText(path: string, text: string | Iterable<Uint8Array | string>): Promise<void> {
  await mkdir(dirname(path), { recursive: true }).catch((error) => {
    throw fileError(error, dirname(path));
  });
  await writeWhole(path, text);
}

export async function writeJson(path: string, value: unknown): Promise<void> {
  await writeText(path, `${JSON.stringify(value, null, 2)}\n`);
}
