import { copyFile, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BlindspotError } from "../../base/errors.ts";
import { commandLine } from "../../report/command-line.ts";
import type { Given } from "../options.ts";

const EXAMPLES = fileURLToPath(new URL("../../../examples/", import.meta.url));
const FOLDER = "example";

interface Example {
  /** In the package; they are copied under their own names. */
  readonly files: readonly string[];
  readonly threat: string;
  /** Of `assess`, with the files where they lie afterwards. */
  readonly assess: readonly string[];
}

const at = (file: string) => `${FOLDER}/${file}`;

/** A model with data of each kind, as the package holds them. */
const KINDS: Readonly<Record<NonNullable<Given["example"]>, Example>> = {
  image: {
    files: ["road-signs/road-signs.onnx", "road-signs/test.npz", "road-signs/classes.txt"],
    threat: "linf:4/255",
    assess: [
      ...["--model", at("road-signs.onnx"), "--data", `npz:${at("test.npz")}`, "--classes", at("classes.txt")],
      ...["--samples", "20", "--attacks", "quick"],
    ],
  },
  rows: {
    files: ["loan/trees.onnx", "loan/loans.csv", "loan/schema.json"],
    threat: "fields:2",
    assess: [
      ...[
        "--model",
        at("trees.onnx"),
        "--data",
        `csv:${at("loans.csv")}?label=decision`,
        "--schema",
        at("schema.json"),
      ],
      ...["--samples", "20", "--attacks", "tree-thresholds"],
    ],
  },
  text: {
    files: ["spam/spam.onnx", "spam/tokenizer.json", "spam/messages.tsv"],
    threat: "text:characters=5",
    assess: [
      ...["--model", at("spam.onnx"), "--data", `tsv:${at("messages.tsv")}?header=no&label=0&text=1&quote=none`],
      ...["--classes", "ham,spam", "--samples", "20", "--attacks", "quick"],
    ],
  },
};

/** What the attacker of an example may change. */
export function exampleThreat(kind: NonNullable<Given["example"]>): string {
  return KINDS[kind].threat;
}

/** Copies a model and data to try everything on. Throws where one of the files is there already: nothing is overwritten. */
export async function initExample(kind: NonNullable<Given["example"]>): Promise<string[]> {
  const { files, threat, assess } = KINDS[kind];
  const copies = files.map((file) => ({ from: join(EXAMPLES, file), to: join(FOLDER, file.split("/")[1]!) }));
  for (const { to } of copies)
    if (await stat(to).catch(() => null))
      throw new BlindspotError({ code: "E_FILE_EXISTS", subject: to, hint: "Remove it, or begin in another folder" });
  await mkdir(FOLDER, { recursive: true });
  for (const { from, to } of copies) await copyFile(from, to);
  const model = assess[1]!;
  return [
    ...copies.map(({ to }) => `Written: ${to}`),
    "",
    "Try it: find what it gets wrong, look at it, then gate the model against itself (nothing changed, so it passes):",
    `  ${commandLine(["assess", ...assess, "--threat", threat, "--corpus", "boundary"])}`,
    "  npx blindspot corpus ls",
    `  ${commandLine(["gate", "--model", model, "--against", model])}`,
  ];
}
