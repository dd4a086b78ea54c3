import { readFile } from "node:fs/promises";
import { fileError, writeWhole } from "../assess/files.ts";
import { BlindspotError } from "../base/errors.ts";
import { sha256 } from "../base/hash.ts";
import type { DetectorCard, FittedFile } from "../defenses/detectors/index.ts";
import { trainedOnText } from "../defenses/index.ts";

/** The list beside `NAME.onnx`: SHA-256 of the inputs that the detector has seen, one a line. */
export function seenPath(file: string): string {
  return `${file.replace(/\.onnx$/i, "")}.fitted-on.txt`;
}

export async function writeDetector(path: string, { bytes, seen }: FittedFile): Promise<void> {
  await writeWhole(seenPath(path), trainedOnText(seen));
  await writeWhole(path, bytes);
}

/** The hashes beside a detector's file. Throws E_DETECTOR_SEEN where they are missing or are not its own. */
export async function readSeen(path: string, card: DetectorCard): Promise<ReadonlySet<string>> {
  const list = seenPath(path);
  let text: string;
  try {
    text = await readFile(list, "utf8");
  } catch (error) {
    throw fileError(error, list);
  }
  if (sha256(text) !== card.seen.sha256)
    throw new BlindspotError({
      code: "E_DETECTOR_SEEN",
      subject: list,
      expected: `the list of what ${path} was fitted on`,
      got: "another list",
      hint: "Keep both files as `blindspot detect fit` wrote them",
    });
  return new Set(text.split("\n").filter((line) => line !== ""));
}
