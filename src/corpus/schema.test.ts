import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bundleJsonSchema } from "./bundle.ts";
import { corpusJsonSchemas } from "./schema.ts";
import { runCorpusJsonSchema } from "./summary.ts";

/** `BLINDSPOT_WRITE=1 npx vitest run src/corpus/schema.test.ts` writes them anew. */
describe("the published JSON Schemas of the corpus", () => {
  it.each(Object.entries({ ...corpusJsonSchemas(), ...bundleJsonSchema(), ...runCorpusJsonSchema() }))(
    "%s is current",
    (name, schema) => {
      const file = new URL(`../../schemas/${name}`, import.meta.url);
      const text = `${JSON.stringify(schema, null, 2)}\n`;
      if (process.env["BLINDSPOT_WRITE"] === "1") writeFileSync(file, text);
      expect(readFileSync(file, "utf8")).toBe(text);
    },
  );
});
