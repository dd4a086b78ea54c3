import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Catalog, catalogOf } from "./catalog.ts";
import type { Corpus } from "./corpus.ts";
import { inputsOf } from "./entry.ts";
import { CELL_FAMILIES, facetsOf } from "./facets.ts";
import { diskFolder } from "./files.ts";
import { CorpusIndex } from "./files-index.ts";
import type { Filter } from "./filter.ts";
import { forget } from "./forget.ts";
import { anySample, corpusOf, likelyAlike, ticking } from "./samples.test.fixture.ts";
import { verify } from "./verify.ts";

let root: string;
let count = 0;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "blindspot-index-"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const FILTERS: readonly Filter[] = [
  {},
  { kind: "adversarial" },
  { trust: "unlabelled" },
  { trust: "forgotten" },
  { pair: { label: "stop", predicted: null } },
  { pair: { label: null, predicted: "yield" }, kind: "adversarial" },
  { threats: ["linf"] },
  { threats: ["l2", "linf:8/255"] },
  { group: "none" },
];

const NAMES = ["trust", "kind", "threat", "attack", "group", ...CELL_FAMILIES] as const;

/** All that can be asked. */
async function answers(catalog: Catalog): Promise<unknown> {
  const { samples, problems, notUnderstood } = catalog;
  const every = [{}, { trust: "forgotten" as const }].flatMap((filter) => [...catalog.list(filter, null).entries]);
  return {
    needed: [...catalog.needed([...every.flatMap(inputsOf), "0".repeat(64)])].sort(),
    samples,
    problems,
    notUnderstood,
    contents: catalog.contents(),
    classes: [...catalog.classes()].sort(),
    statistics: catalog.statistics(3),
    counts: NAMES.map((name) => catalog.counts(name)),
    ids: [catalog.ids(["trusted"]), catalog.ids(["untrusted", "forgotten", "trusted"])],
    known: [...catalog.known([...every.map(({ id }) => id), "0".repeat(64)])].sort(),
    covered: catalog.covered([...every.flatMap(facetsOf), { name: "attack", value: "none" }]),
    pairs: catalog.pairsByAttack(),
    // Of one first: what is not known of the others must not be taken for known.
    alike: [await catalog.alike(undefined, every[0]?.id), await catalog.alike()],
    leaders: FILTERS.flatMap((filter) =>
      [null, 2].map((limit) => {
        const { leaders, total } = catalog.leaders(filter, limit);
        return { total, leaders: [...leaders] };
      }),
    ),
    lists: FILTERS.flatMap((filter) =>
      [null, 2].map((limit) => {
        const { entries, total } = catalog.list(filter, limit);
        return { total, entries: [...entries] };
      }),
    ),
  };
}

async function asked(corpus: Corpus, directory: string): Promise<unknown> {
  const index = await CorpusIndex.open(corpus, directory);
  try {
    return await answers(index!);
  } finally {
    index!.close();
  }
}

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("add" as const), sample: fc.oneof(anySample, likelyAlike) }) },
  fc.record({ do: fc.constantFrom("judge" as const, "forget" as const, "drop index" as const, "damage" as const) }),
);

describe("the index", () => {
  it("answers as the files do, whatever happened since it was last asked, and when it is made anew", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 7 }), async (steps) => {
        const directory = join(root, String(count++));
        const corpus = await corpusOf([], await diskFolder(directory), ticking());
        for (const one of steps) {
          const { entries } = await corpus.read();
          const [first] = entries;
          if (one.do === "add") await corpus.add(one.sample);
          else if (one.do === "drop index") await CorpusIndex.remove(directory);
          else if (one.do === "damage") {
            mkdirSync(join(directory, "samples", "00"), { recursive: true });
            writeFileSync(join(directory, "samples", "00", `${"0".repeat(64)}.json`), "{");
          } else if (first !== undefined && one.do === "forget") {
            // What the index lets go is what the files let go.
            await forget(corpus, first, "ann", "a face", async () => (await CorpusIndex.open(corpus, directory))!);
            const { leftovers, problems } = await verify(corpus);
            expect([leftovers, problems.filter(({ problem }) => problem === "is missing")]).toEqual([[], []]);
          } else if (first !== undefined && first.trust !== "forgotten")
            await corpus.append(first.id, { event: "judged", by: "bob", verdict: "ambiguous" });
          expect(await asked(corpus, directory)).toEqual(await answers(catalogOf(corpus, await corpus.read())));
        }
      }),
      { numRuns: 5 },
    );
  });

  it("is made anew where it is damaged, and ignores itself in git", async () => {
    const directory = join(root, "damaged");
    const corpus = await corpusOf([], await diskFolder(directory));
    const before = await asked(corpus, directory);
    const [file] = readdirSync(join(directory, ".index")).filter((name) => name.endsWith(".sqlite"));
    for (const suffix of ["-wal", "-shm"]) rmSync(join(directory, ".index", `${file}${suffix}`), { force: true });
    writeFileSync(join(directory, ".index", file!), "no database at all".repeat(100));
    expect(await asked(corpus, directory)).toEqual(before);
    expect(readdirSync(join(directory, ".index"))).toContain(".gitignore");
  });

  it("is not needed: where it can't be written, there is none", async () => {
    const directory = join(root, "unwritable");
    const corpus = await corpusOf([], await diskFolder(directory));
    writeFileSync(join(directory, ".index"), "a file where the folder should be");
    expect(await CorpusIndex.open(corpus, directory)).toBeNull();
  });
});
