import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { BlindspotError } from "../base/errors.ts";
import { fileError, writeWhole } from "./files.ts";
import { readText } from "./files-read.ts";
import { parseJson } from "./run-file.ts";
import { COMPARISON_SCHEMA, type Comparison, comparisonSchema } from "./schema.ts";

const NAME = "comparison.json";
const LIMIT = 64 * 2 ** 20;

/** Writes `comparison.json` into this folder, which is made if need be. */
export async function writeComparison(directory: string, comparison: Comparison): Promise<void> {
  await mkdir(directory, { recursive: true }).catch((error) => {
    throw fileError(error, directory);
  });
  await writeWhole(join(directory, NAME), `${JSON.stringify(comparison, null, 2)}\n`);
}

/** Null where the folder holds none. Throws where it can't be read, or is of another version. */
export async function readComparison(directory: string): Promise<Comparison | null> {
  const file = await readText(directory, NAME, LIMIT);
  if (file === null) return null;
  const parsed = comparisonSchema.safeParse(parseJson(file.text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BlindspotError({
    code: "E_COMPARISON_FILE",
    subject: join(directory, NAME),
    where: issue!.path.join(".").slice(0, 160) || "the whole",
    expected: COMPARISON_SCHEMA,
    got: issue!.message.slice(0, 160),
    hint: "Make it again with `blindspot diff`",
  });
}
