import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { z } from "zod";
import { detectionResultSchema } from "./result.ts";

/** `BLINDSPOT_WRITE=1 npx vitest run src/defenses/detectors/result.test.ts` writes it anew. */
it("the published JSON Schema of an evaluated detector is current", () => {
  const file = new URL("../../../schemas/detection.schema.json", import.meta.url);
  const text = `${JSON.stringify(z.toJSONSchema(detectionResultSchema), null, 2)}\n`;
  if (process.env["BLINDSPOT_WRITE"] === "1") writeFileSync(file, text);
  expect(readFileSync(file, "utf8")).toBe(text);
});
