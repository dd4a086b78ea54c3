import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { bundleOf } from "./bundle.ts";
import { anySamples, corpusOf } from "./samples.test.fixture.ts";

const published = JSON.parse(readFileSync(new URL("../../schemas/bundle.schema.json", import.meta.url), "utf8"));
const schema = z.fromJSONSchema(published);
const fits = (line: unknown) => schema.safeParse(line).success;

describe("the published schema of bundles", () => {
  it("fits every line that export writes, and no line with a part missing or of another kind", async () => {
    let lines = 0;
    await fc.assert(
      fc.asyncProperty(anySamples, async (samples) => {
        const corpus = await corpusOf(samples);
        for await (const text of bundleOf(corpus, (await corpus.read()).entries)) {
          const line = JSON.parse(text) as Record<string, unknown>;
          lines++;
          expect(fits(line)).toBe(true);
          for (const key of published.required as string[]) {
            const { [key]: _, ...rest } = line;
            expect(fits(rest)).toBe(false);
          }
          expect(fits({ ...line, schema: "blindspot-bundle/2" })).toBe(false);
          expect(fits({ ...line, input: 7 })).toBe(false);
          expect(fits({ ...line, dims: [0] })).toBe(false);
          expect(fits({ ...line, modality: "sound" })).toBe(false);
        }
      }),
      { numRuns: 20 },
    );
    expect(lines).toBeGreaterThan(0);
  });
});
