import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Corpus } from "../corpus/corpus.ts";
import { diskFolder } from "../corpus/files.ts";
import { CorpusIndex } from "../corpus/files-index.ts";
import { forget } from "../corpus/forget.ts";
import { samplePath } from "../corpus/layout.ts";
import { ticking } from "../corpus/samples.test.fixture.ts";
import { caseKey } from "./case.ts";
import { factsOf } from "./case-list.ts";
import { gate, gateOn } from "./gate.ts";
import { gateJson } from "./gate-json.ts";
import { finds } from "./gate-writer.test.fixture.ts";
import { mapMemory } from "./memory.ts";
import type { GateOptions } from "./options.ts";
import { type GateResult, gateSchema } from "./schema.ts";
import { attacked, type Found, shaken, store, V1, versionOf } from "./versions.test.fixture.ts";

const effort = { attacks: ["apgd-ce"], overrides: { steps: 10, queries: 20 } };
const base = versionOf(V1, "v1");
const candidates = [1, 2, 3, 4].map((seed) => versionOf(shaken(V1, 0.2, seed), `v${seed + 1}`));
const now = () => new Date("2026-06-01T12:00:00Z");
let root: string;
let found: Found[];
let count = 0;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "blindspot-ledger-"));
  found = await attacked(V1, 150);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function begin(samples: readonly Found[]): Promise<{ corpus: Corpus; directory: string }> {
  const directory = join(root, String(count++));
  const corpus = await Corpus.create(await diskFolder(directory), { toolVersion: "1.2.3", now: ticking() });
  await store(corpus, base, samples);
  return { corpus, directory };
}

/** A gate on the index, as it is written. */
async function indexed(directory: string, options: GateOptions): Promise<GateResult> {
  const index = (await CorpusIndex.open(options.corpus, directory))!;
  try {
    const gated = await gateOn({ ...options, catalog: index });
    const pieces = [...gateJson(gated)].map((piece) =>
      typeof piece === "string" ? piece : new TextDecoder().decode(piece),
    );
    const result = gateSchema.parse(JSON.parse(pieces.join("")));
    expect([...gated.cases.of(() => true)]).toEqual(result.cases);
    for (const { facts, cases } of gated.cases.counts) {
      const text = JSON.stringify(facts);
      const own = result.cases.filter((one) => JSON.stringify(factsOf(one)) === text);
      expect([...gated.cases.of((some) => JSON.stringify(some) === text)]).toEqual(own);
      expect(cases).toBe(own.length);
      const keys = [...gated.cases.keys((some) => JSON.stringify(some) === text)];
      expect(keys.sort()).toEqual(own.map(caseKey).sort());
    }
    return result;
  } finally {
    index.close();
  }
}

const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("add" as const), at: fc.nat(11) }) },
  fc.record({ do: fc.constantFrom("forget", "reject", "waive", "lose", "another threat", "nothing"), at: fc.nat(20) }),
  fc.record({ do: fc.constant("another version" as const), at: fc.nat(3) }),
);

describe("a gate that keeps what it decided in the index", () => {
  it("finds what one that reads every file finds, whatever changed since", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 7 }), async (steps) => {
        const { corpus, directory } = await begin(found.slice(0, 4));
        // The same for both: which of several samples beside one is named depends on what came first.
        const memory = mapMemory();
        let candidate = candidates[0]!;
        for (const { do: what, at } of steps) {
          const { entries } = await corpus.read();
          // What withstood an attack that also began at a parent is not attacked again, and less, because that one is gone.
          const parents = new Set(entries.flatMap((entry) => entry.found.flatMap(({ parent }) => parent ?? [])));
          const living = entries.filter(({ id, trust }) => trust === "trusted" && !parents.has(id));
          const one = living[at % Math.max(1, living.length)];
          if (what === "add") await store(corpus, base, [found[at]!]);
          else if (what === "another version") candidate = candidates[at]!;
          else if (one === undefined) continue;
          else if (what === "forget")
            await forget(corpus, one, "ann", "a face", async () => (await CorpusIndex.open(corpus, directory))!);
          else if (what === "reject") await corpus.append(one.id, { event: "judged", by: "bob", verdict: "ambiguous" });
          else if (what === "waive")
            await corpus.append(one.id, {
              event: "waived",
              by: "bob",
              reason: "known",
              until: at % 2 ? "2026-05-01" : "2026-07-01",
            });
          else if (what === "lose") rmSync(join(directory, samplePath(one.id)));
          else if (what === "another threat")
            await store(corpus, base, found.slice(at % 4, (at % 4) + 1), "linf:0.2;none;untargeted");
          const options = { corpus, candidate, base, effort, now, memory };
          // Until nothing new is found beside it.
          let result = await indexed(directory, options);
          for (let i = 0; i < 5 && result.grown!.samples > 0; i++) result = await indexed(directory, options);
          const whole = await gate(options);
          expect(finds(result)).toEqual(finds(whole));
        }
      }),
      { numRuns: 12 },
    );
  });

  it("asks about what changed alone, and does not rely on what ended too early", async () => {
    const { corpus, directory } = await begin(found.slice(0, 6));
    const options = { corpus, candidate: candidates[0]!, base, effort, now };
    const first = await indexed(directory, options);
    expect(first.cost.replayed).toBe(12);
    await indexed(directory, options);
    const again = await indexed(directory, options);
    // Without a memory: none of it is asked again.
    expect(again.cost).toMatchObject({ queries: 0, gradients: 0, replayed: 0 });
    expect(again.cost.remembered).toBeGreaterThanOrEqual(12);
    await store(corpus, base, [found[6]!]);
    expect((await indexed(directory, options)).cost.replayed).toBe(2);
    // Another effort, another version: other answers.
    const more = { ...effort, seed: 1 };
    expect((await indexed(directory, { ...options, effort: more })).cost.replayed).toBeGreaterThan(12);
    const stopped = await indexed(directory, { ...options, candidate: candidates[1]!, signal: AbortSignal.abort() });
    expect(stopped.status).toBe("partial");
    const done = await indexed(directory, { ...options, candidate: candidates[1]! });
    expect(done.status).toBe("complete");
  });

  it("tells the corpus as it is in the end, where another process changed it meanwhile", async () => {
    const { corpus, directory } = await begin(found.slice(0, 6));
    const { entries } = await corpus.read();
    const meanwhile = async () => {
      await corpus.append(entries[0]!.id, { event: "judged", by: "bob", verdict: "ambiguous" });
      await corpus.append(entries[1]!.id, { event: "waived", by: "bob", reason: "known", until: "2026-07-01" });
      await store(corpus, base, [found[6]!]);
      (await CorpusIndex.open(corpus, directory))!.close();
      return null;
    };
    const options = { corpus, candidate: base, base, effort, now };
    const result = await indexed(directory, { ...options, fresh: meanwhile });
    expect(finds(result)).toEqual(finds(await gate(options)));
    expect(result.corpus).toMatchObject({ samples: 6, cases: 6 });
  });

  it("attacks again where the sample that it found is gone", async () => {
    const { corpus, directory } = await begin(found);
    const options = { corpus, candidate: candidates[0]!, base, effort, now };
    const first = await indexed(directory, options);
    const children = first.cases.flatMap(({ attacked: attack }) => attack?.child ?? []);
    const child = children.find((id) => !first.cases.some(({ sample }) => sample === id))!;
    rmSync(join(directory, samplePath(child)));
    const second = await indexed(directory, options);
    expect(second.cost.gradients).toBeGreaterThan(0);
    expect((await corpus.find(child)).id).toBe(child);
  });
});
