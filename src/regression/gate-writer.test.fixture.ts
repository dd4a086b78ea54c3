import { join } from "node:path";
import { Corpus } from "../corpus/corpus.ts";
import { diskFolder } from "../corpus/files.ts";
import { CorpusIndex } from "../corpus/files-index.ts";
import { fileMemory } from "./files-memory.ts";
import { gateOn } from "./gate.ts";
import type { GateResult } from "./schema.ts";
import { shaken, V1, versionOf } from "./versions.test.fixture.ts";

/** What the program below gates. */
export const GATED = {
  candidate: versionOf(shaken(V1, 0.2), "v2"),
  base: versionOf(V1, "v1"),
  effort: { attacks: ["apgd-ce"], overrides: { steps: 10, queries: 20 } },
};

/** What a gate found, whatever it cost. */
export function finds({ cost: _cost, seconds: _seconds, grown: _grown, ...result }: GateResult) {
  return result;
}

/** Gates the corpus in a folder, with its index and a memory, until nothing new is found. */
export async function gateAgain(folder: string, onEvent: () => void): Promise<GateResult> {
  const corpus = await Corpus.open(await diskFolder(join(folder, "boundary")), { toolVersion: "1.2.3" });
  const memory = await fileMemory(join(folder, "memory.sqlite"));
  for (;;) {
    const catalog = (await CorpusIndex.open(corpus, corpus.folder.name))!;
    const { cases, ...gated } = await gateOn({ ...GATED, corpus, catalog, memory, onEvent });
    const result = { ...gated, cases: [...cases.of(() => true)] };
    catalog.close();
    if (result.grown!.samples === 0) {
      memory.close();
      return result;
    }
  }
}

// A program that says so after each step, so that it can be killed in between: `node gate-writer.test.fixture.js DIR`.
if (process.argv[1]?.endsWith("gate-writer.test.fixture.js") === true) {
  process.stdout.write("begun\n");
  const result = await gateAgain(process.argv[2]!, () => process.stdout.write("step\n"));
  process.stdout.write(`${JSON.stringify(finds(result))}\n`);
}
