import { stat } from "node:fs/promises";
import { join } from "node:path";
import { readText } from "../../assess/files-read.ts";
import { BlindspotError } from "../../base/errors.ts";
import { GATE_SCHEMA, type GateResult, gateSchema } from "../../regression/schema.ts";

/** Where a gate leaves its result and its reports, unless said otherwise. */
export const GATE_FOLDER = join(".blindspot", "gate");
export const GATE_FILE = "gate.json";
const MOST_BYTES = 256 * 2 ** 20;

/** Whether a gate left its result in this folder. */
export async function hasGate(directory: string): Promise<boolean> {
  return (await stat(join(directory, GATE_FILE)).catch(() => null))?.isFile() ?? false;
}

/** The result of a gate in this folder. Throws where there is none, or one of another version. */
export async function readGate(directory: string): Promise<GateResult> {
  const file = await readText(directory, GATE_FILE, MOST_BYTES);
  const refuse = (got: string) =>
    new BlindspotError({
      code: "E_GATE_FILE",
      subject: join(directory, GATE_FILE),
      expected: GATE_SCHEMA,
      got,
      hint: "Run blindspot gate first",
    });
  if (file === null) throw refuse("no such file");
  let value: unknown;
  try {
    value = JSON.parse(file.text);
  } catch {
    throw refuse("no JSON");
  }
  const parsed = gateSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw refuse(`${issue!.path.join(".").slice(0, 160)}: ${issue!.message.slice(0, 160)}`);
}
