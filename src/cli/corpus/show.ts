import { join } from "node:path";
import type { Group } from "../../corpus/alike.ts";
import type { Corpus } from "../../corpus/corpus.ts";
import type { Entry } from "../../corpus/entry.ts";
import { formText } from "../../corpus/identity.ts";
import { blobPath, samplePath } from "../../corpus/layout.ts";
import type { CorpusEvent, RenderedEvent } from "../../corpus/schema.ts";
import { percent, plural } from "../../report/format.ts";
import { visible } from "../../report/visible.ts";
import type { Given } from "../options.ts";
import { alikeIn, openCatalog, openCorpus } from "./open.ts";
import { changeText, summaryOf } from "./words.ts";

export async function run(given: Given, [prefix]: readonly string[]): Promise<number> {
  const corpus = await openCorpus(given);
  const entry = await corpus.find(prefix!);
  const files = await filesOf(corpus, entry);
  const alike = await groupOf(given, corpus, entry);
  if (given.json) {
    const { manifest, events } = entry;
    process.stdout.write(`${JSON.stringify({ ...summaryOf(entry), alike, manifest, events, files }, null, 2)}\n`);
    return 0;
  }
  const { id, kinds, label, predicted, trust, manifest } = entry;
  const rows: [string, string][] = [
    ["kind", kinds.join(", ")],
    ["true class", `${label?.name ?? "nobody has said"}`],
    ["taken for", predicted?.name ?? "not replayed yet"],
    ["state", trust],
    ["input", formText(manifest)],
    ...Object.entries(files).map(([name, file]): [string, string] => [`  ${name}`, fileText(file)]),
    ["manifest", join(corpus.folder.name, samplePath(id))],
    ...(alike === null ? [] : [["alike", alikeText(id, alike)] as [string, string]]),
  ];
  const text = [
    `Sample ${id}`,
    ...rows.map(([name, value]) => `  ${name.padEnd(11)} ${visible(value)}`),
    ...(await contentOf(corpus, entry)),
    "What happened",
    ...entry.events.map((event) => `  ${event.at.slice(0, 16).replace("T", " ")}  ${visible(told(event))}`),
  ];
  process.stdout.write(`${text.join("\n")}\n`);
  return 0;
}

interface Alike {
  readonly leader: string;
  readonly members: readonly string[];
  /** So many that the samples stand alone. */
  readonly suspicious: boolean;
}

/** The samples that this one is like, itself among them; null: none. */
async function groupOf(given: Given, corpus: Corpus, { id }: Entry): Promise<Alike | null> {
  const catalog = await openCatalog(given, corpus, true);
  try {
    const { groups, suspicious } = await alikeIn(given, catalog, id);
    const holds = ({ members }: Group) => members.includes(id);
    const [group, large] = [groups.find(holds), suspicious.find(holds)];
    const found = group ?? large;
    return found === undefined ? null : { ...found, suspicious: group === undefined };
  } finally {
    catalog.close();
  }
}

/** Members that are named. */
const NAMED = 8;

function alikeText(id: string, { leader, members, suspicious }: Alike): string {
  const short = (one: string) => one.slice(0, 12);
  if (suspicious) return `${plural(members.length, "sample")} look alike, too many to be believed: it stands alone`;
  const others = members.filter((one) => one !== id && one !== leader).map(short);
  const more = others.length > NAMED ? ` and ${others.length - NAMED} more` : "";
  const named =
    others.length === 0 ? "" : `${leader === id ? "" : "; also "}${others.slice(0, NAMED).join(", ")}${more}`;
  return leader === id ? `leads ${plural(members.length - 1, "other")}: ${named}` : `led by ${short(leader)}${named}`;
}

interface ShownFile {
  readonly path: string;
  readonly state: string;
}

/** Where the inputs lie, and whether they are what their names say. */
async function filesOf(corpus: Corpus, { manifest, renditions }: Entry): Promise<Record<string, ShownFile>> {
  const sides = {
    raw: manifest.input,
    clean: manifest.clean,
    ...Object.fromEntries(renditions.map(({ rendition, input }) => [rendition, input])),
  };
  const files: Record<string, ShownFile> = {};
  for (const [name, digest] of Object.entries(sides)) {
    if (digest === null) continue;
    const path = join(corpus.folder.name, blobPath(digest, manifest));
    files[name] = { path, state: (await corpus.readFile(manifest, digest)).state };
  }
  return files;
}

function fileText({ path, state }: ShownFile): string {
  return state === "good" ? path : `${path} (${state === "missing" ? "missing" : "damaged"})`;
}

/** One event, in a sentence. */
function told(event: CorpusEvent): string {
  const run = event.run === undefined ? "" : `, run ${event.run}`;
  switch (event.event) {
    case "found": {
      const { attack, corruption, threat, modelName, model, label, predicted, data } = event;
      const mistake = `${modelName} (${model.slice(0, 8)}) takes ${label.name} for ${predicted.name}`;
      const from = `${data.spec}${data.index === undefined ? "" : `, index ${data.index}`}`;
      if (corruption !== undefined)
        return `found: ${mistake} under ${corruption.name}, severity ${corruption.severity} of 5; ${from}${run}`;
      if (attack === undefined) {
        const how =
          event.kind === "adversarial" ? `that another tool made, ${changeText(event)}` : "without any attack";
        return `found: ${mistake} ${how}; ${from}${run}`;
      }
      const { name, knowledge, queries, seed } = attack;
      const change = changeText(event);
      return `found: ${mistake} under ${threat} by ${name} (${knowledge}), ${change}, ${queries} queries, seed ${seed}; ${from}${run}`;
    }
    case "reported":
      return `reported: ${event.file}${event.note === undefined ? "" : `: ${event.note}`}`;
    case "imported":
      return `imported from ${event.data.spec}, which claims ${event.label.name}`;
    case "judged": {
      const label = event.label === undefined ? "" : `, true class ${event.label.name}`;
      return `${event.by} says: ${event.verdict}${label}${event.note === undefined ? "" : `; ${event.note}`}`;
    }
    case "rendered":
      return renderedText(event);
    case "measured":
      return `${event.measure.replace("-", " ")} of ${event.rendition}: ${event.value} (${event.evidence.replace("-", " ")})`;
    case "waived":
      return `waived by ${event.by} until ${event.until}: ${event.reason}`;
    case "forgotten":
      return `forgotten by ${event.by}: ${event.reason}`;
  }
}

function renderedText(event: RenderedEvent): string {
  const { rendition, queries, changed, margin, stability, guarantee, stop, predicted } = event;
  const facts = [
    `taken for ${predicted.name}`,
    ...(changed === undefined ? [] : [`${plural(changed, "change")}`]),
    ...(margin === undefined ? [] : [`margin ${margin.toFixed(3)}`]),
    ...(stability === undefined
      ? []
      : [`${percent(stability.share)} of ${stability.draws} small random changes keep it`]),
    ...(guarantee === "none" ? [] : [guarantee]),
    ...(["reached", "local-minimum"].includes(stop) ? [] : [`stopped by ${stop}`]),
  ];
  return `${rendition} made in ${plural(queries, "query", "queries")}: ${facts.join(", ")}`;
}

/** Fields of a row that were changed, or a text beside the one that it was made from. */
async function contentOf(corpus: Corpus, { manifest }: Entry): Promise<string[]> {
  const { modality } = manifest;
  if (modality !== "row" && modality !== "text") return [];
  const textOf = async (digest: string | null) => {
    const read = digest === null ? null : await corpus.readFile(manifest, digest);
    return read?.state === "good" ? new TextDecoder("utf-8", { ignoreBOM: true }).decode(read.value.bytes) : null;
  };
  const [input, clean] = [await textOf(manifest.input), await textOf(manifest.clean)];
  if (input === null) return [];
  if (modality === "text")
    return ["Text", ...[clean, input].flatMap((text) => (text === null ? [] : [`  ${visible(text)}`]))];
  const [record, before] = [JSON.parse(input), clean === null ? null : JSON.parse(clean)] as Record<string, unknown>[];
  const rows = Object.entries(record!).map(([name, value]) => {
    const from = before?.[name];
    const change = from === undefined || from === value ? "" : `, was ${String(from)}`;
    return `  ${visible(`${name} = ${String(value)}${change}`)}`;
  });
  return ["Fields", ...rows];
}
