/** The one file of this room that touches the disk itself: what stands beside a model. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BlindspotError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import type { TokenizerFiles } from "./text/tokenizer.ts";

/** The largest vocabularies in use are a fifth of this. */
const LARGEST_BYTES = 100 * 2 ** 20;

/** `tokenizer.json` in the folder of a model, with `tokenizer_config.json` where there is one; null where it isn't there. Throws `E_TOKENIZER`. */
export async function readTokenizerBeside(modelPath: string): Promise<TokenizerFiles | null> {
  const folder = dirname(modelPath);
  const file = await readJson(join(folder, "tokenizer.json"));
  if (file === null) return null;
  const config = await readJson(join(folder, "tokenizer_config.json"));
  return { json: file.json, config: config?.json ?? null, sha256: sha256(file.bytes) };
}

async function readJson(path: string): Promise<{ readonly json: unknown; readonly bytes: Uint8Array } | null> {
  const refuse = (expected: string, got: string, cause?: unknown) =>
    new BlindspotError({ code: "E_TOKENIZER", subject: path, expected, got }, { cause });
  let bytes: Uint8Array;
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw refuse("a file", "something else");
      if (stat.size > LARGEST_BYTES) throw refuse(`at most ${LARGEST_BYTES} bytes`, `${stat.size} bytes`);
      bytes = new Uint8Array(await file.readFile());
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof BlindspotError) throw error;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw refuse("a readable file", (error as Error).message, error);
  }
  try {
    return { json: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)), bytes };
  } catch (error) {
    throw refuse("JSON in UTF-8", (error as Error).message, error);
  }
}
