import type { Corpus } from "../../corpus/corpus.ts";
import type { Manifest } from "../../corpus/schema.ts";
import { readUtf8 } from "../../inputs/text/text-codec.ts";
import { drawChange } from "../../report/picture.ts";
import type { Shown } from "../../report/shown.ts";

/** What a page shows of a sample; null of a vector, and of what is missing or damaged. */
export async function shownIn(corpus: Corpus, manifest: Manifest): Promise<Shown | null> {
  switch (manifest.modality) {
    case "image":
      return picture(corpus, manifest);
    case "vector":
      return null;
    case "text": {
      const [before, after] = await sides(corpus, manifest);
      return after === null || (before === null && manifest.clean !== null) ? null : { kind: "texts", before, after };
    }
    case "row": {
      const [before, after] = (await sides(corpus, manifest)).map((text) => (text === null ? null : JSON.parse(text)));
      if (after === null) return null;
      const fields = Object.entries(after as Record<string, unknown>);
      const changes = fields.flatMap(([name, value]) =>
        before === null ? [`${name} ${value}`] : before[name] === value ? [] : [`${name} ${before[name]} -> ${value}`],
      );
      return { kind: "changes", changes };
    }
  }
}

/** The files of the clean side and the input, as text. */
async function sides(corpus: Corpus, manifest: Manifest): Promise<(string | null)[]> {
  const read = async (digest: string | null) => {
    const one = digest === null ? null : await corpus.readFile(manifest, digest);
    return one?.state === "good" ? readUtf8(one.value.bytes) : null;
  };
  return Promise.all([read(manifest.clean), read(manifest.input)]);
}

async function picture(corpus: Corpus, manifest: Manifest): Promise<Shown | null> {
  const { clean, input, dims } = manifest;
  const after = await corpus.readInput(manifest, input);
  const before = clean === null ? after : await corpus.readInput(manifest, clean);
  if (before.state !== "good" || after.state !== "good") return null;
  const pictures = await drawChange({ dims, values: before.value }, { dims, values: after.value });
  if (clean !== null) return { kind: "pictures", pictures };
  return { kind: "picture", source: pictures.after, width: pictures.width, height: pictures.height };
}
