import { z } from "zod";

export const count = z.int().nonnegative();
export const share = z.number().min(0).max(1);
export const digest = z.string().regex(/^[0-9a-f]{64}$/);
export const settings = z.record(z.string(), z.union([z.number(), z.boolean(), z.string()]));
export const knowledge = z.enum(["white-box", "score", "label", "transfer"]);

export const sampling95 = z
  .object({ low: share, high: share })
  .describe("Wilson 95 % interval of the proportion: what another draw of samples could have given");

/** Identifiers of public catalogs, with the version of the catalog: names change, ids are reused. */
export const mappings = z.object({
  atlas: z.array(z.object({ id: z.string(), name: z.string(), version: z.string() })),
  owasp: z.array(z.string()),
  nist: z.array(z.string()),
  cwe: z.tuple([z.literal("CWE-1039")]),
  aiAct: z.array(z.string()).describe("evidence toward, never a statement of compliance"),
});
