import { join } from "node:path";
import { writeWhole } from "../assess/files.ts";
import { openDataset } from "../data/index.ts";
import { textOf, textPoint } from "../inputs/index.ts";

export const TEXTS_FILE = "adversarial.jsonl";

/** Texts with their true labels, one JSON object a line, so that `jsonl:` reads them again; returns them read back. */
export async function saveTexts(
  directory: string,
  points: readonly Float32Array[],
  labels: readonly number[],
  classes: readonly string[],
): Promise<Float32Array[]> {
  if (points.length === 0) return [];
  const lines = points.map((point, i) => JSON.stringify({ text: textOf(point), label: classes[labels[i]!]! }));
  const file = join(directory, TEXTS_FILE);
  await writeWhole(file, new TextEncoder().encode(`${lines.join("\n")}\n`));
  const back = await openDataset(`jsonl:${file}?text=text&label=label`, { classes });
  // Another data set has another size: what is read back is put into the size that was attacked.
  return Promise.all(points.map(async ({ length }, i) => textPoint(textOf((await back.sample(i)).point), length)));
}
