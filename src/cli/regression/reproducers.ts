import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError, writeWhole } from "../../assess/files.ts";
import { Corpus } from "../../corpus/corpus.ts";
import { renditionOf } from "../../corpus/entry.ts";
import { memoryFolder } from "../../corpus/folder.ts";
import { extensionOf } from "../../corpus/identity.ts";
import { merge } from "../../corpus/merge.ts";
import type { Gated } from "../../regression/case-list.ts";
import type { GateCase } from "../../regression/schema.ts";
import { carried, commandLine } from "../../report/command-line.ts";
import { plural } from "../../report/format.ts";
import { outcomeText, reachedText, shownFirst, threatShort } from "../../report/gate/words.ts";
import { visible } from "../../report/visible.ts";
import { zipOf } from "../../tensor/npz.ts";
import type { Given } from "../options.ts";

/** The corpus inside of the archive. */
const CORPUS = "boundary";
/** Of all inputs together: what is made in memory. */
const MOST_BYTES = 2 ** 29;
/** Nothing is known to be wrong of these. */
const OPEN: ReadonlySet<GateCase["outcome"]> = new Set(["incomparable", "not-evaluated"]);

/**
 * Writes everything that the candidate gets wrong, whether new or known: a corpus of these samples alone, each input and its clean side as a file, and the
 * command that replays each. What is missing or damaged is named.
 */
export async function writeReproducers(file: string, result: Gated, corpus: Corpus, given: Given): Promise<void> {
  const cases = [...shownFirst(result.cases, ({ outcome }) => !OPEN.has(outcome))];
  const files = new Map<string, Uint8Array>();
  const target = await Corpus.create(memoryFolder(files));
  await merge(target, corpus, new Set(cases.map(wrongSample)));
  const inside: Record<string, Uint8Array> = {};
  for (const [path, bytes] of files) inside[`${CORPUS}/${path}`] = bytes;
  let size = Object.values(inside).reduce((sum, { length }) => sum + length, 0);
  const told: string[] = [];
  for (const one of cases) {
    const names: string[] = [];
    for (const [name, bytes] of await inputsOf(corpus, one)) {
      const path = `inputs/${wrongSample(one).slice(0, 12)}/${name}`;
      size += inside[path] === undefined ? bytes.length : 0;
      if (size <= MOST_BYTES) inside[path] = bytes;
      names.push(inside[path] === undefined ? `${name} (left out: the archive is full)` : name);
    }
    told.push(...caseText(result, one, names, given));
  }
  inside["README.txt"] = new TextEncoder().encode([...opening(result, cases.length, given), ...told, ""].join("\n"));
  await mkdir(dirname(file), { recursive: true }).catch((error) => {
    throw fileError(error, dirname(file));
  });
  await writeWhole(file, zipOf(inside));
}

/** What fools the candidate: the stored sample, or the one beside it that a re-attack found. */
function wrongSample({ sample, attacked }: GateCase): string {
  return attacked?.version === "candidate" && attacked.outcome === "fooled" ? (attacked.child ?? sample) : sample;
}

/** The input that was replayed, or found, and its clean side, by file name; without what can't be read. */
async function inputsOf(corpus: Corpus, one: GateCase): Promise<[name: string, bytes: Uint8Array][]> {
  const id = wrongSample(one);
  const entry = await corpus.find(id);
  const { manifest } = entry;
  const extension = extensionOf(manifest);
  const input = id === one.sample ? renditionOf(entry, one.rendition) : manifest.input;
  const files: [string, Uint8Array][] = [];
  for (const [name, digest] of [
    ["input", input],
    ["clean", manifest.clean],
  ] as const) {
    const read = digest === null ? null : await corpus.readFile(manifest, digest);
    if (read?.state === "good") files.push([`${name}.${extension}`, read.value.bytes]);
  }
  return files;
}

/** The command that replays one sample, or all, as the gate asked the candidate. */
function command(result: Gated, given: Given, id: string | null): string {
  const context = { options: { ...given }, model: { name: result.candidate.name }, data: { spec: "" } };
  const words = carried(context, ["data", "goal", "quantize", "surrogate"]);
  return commandLine(["replay", ...(id === null ? [] : [id.slice(0, 12)]), "--corpus", CORPUS, ...words]);
}

function opening(result: Gated, count: number, given: Given): string[] {
  const { base, candidate, tool } = result;
  return [
    `What ${visible(candidate.name)} gets wrong (against ${visible(base.name)}): ${plural(count, "case")}, those that the version before got wrong, too, among them.`,
    `Model ${candidate.identity}; ${tool.name} ${tool.version}; seed ${result.seed}.`,
    "",
    `${CORPUS}/ is a corpus of these samples alone; inputs/ has each input and its clean side as files. Commands are for the folder that this archive was`,
    "unpacked in; give --model (and --schema) by the path that they have there. All at once:",
    "",
    `  ${command(result, given, null)}`,
    "",
  ];
}

function caseText(result: Gated, one: GateCase, names: readonly string[], given: Given): string[] {
  const id = wrongSample(one);
  const moved = one.outcome === "moved" ? " (the input that fools it was not kept: attack again)" : "";
  const beside = id === one.sample ? moved : ` (found beside ${one.sample.slice(0, 12)})`;
  return [
    visible(`${outcomeText(one.outcome)}: ${one.label} taken for ${reachedText(one)}, ${threatShort(one.threat)}`),
    `  sample ${id}${beside}`,
    `  inputs/${id.slice(0, 12)}/: ${names.length === 0 ? "missing or damaged" : names.join(", ")}`,
    `  ${command(result, given, id)}`,
    "",
  ];
}
