import { z } from "zod";
import { BlindspotError } from "../base/errors.ts";
import { canonicalText } from "../corpus/canonical-json.ts";
import type { Catalog } from "../corpus/catalog.ts";
import type { Corpus } from "../corpus/corpus.ts";
import { caseKey } from "./case.ts";
import { type CaseList, hasSay, isBrokenCase } from "./case-list.ts";
import { isBroken } from "./outcome.ts";
import type { GateCase, GateResult } from "./schema.ts";
import type { VerdictFacts } from "./verdict.ts";

export const BASELINE_SCHEMA = "blindspot-baseline/1";
const PATH = "baselines/main.json";
const MOST_BYTES = 64 * 2 ** 20;

/** The state that was accepted: which samples the version gets wrong, and which it does not. A sample under a threat: `ID THREAT`. */
export const baselineSchema = z
  .object({
    schema: z.literal(BASELINE_SCHEMA),
    at: z.iso.datetime(),
    by: z.string(),
    reason: z.string(),
    tool: z.string(),
    model: z.object({ name: z.string(), identity: z.string() }),
    broken: z.array(z.string()),
    standing: z.array(z.string()),
  })
  .describe("baselines/main.json of a corpus: written by blindspot bless, and by nothing else");

export type Baseline = z.infer<typeof baselineSchema>;

export async function readBaseline(corpus: Corpus): Promise<Baseline | null> {
  const bytes = await corpus.folder.read(PATH, MOST_BYTES);
  if (bytes === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    value = null;
  }
  const parsed = baselineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new BlindspotError({
    code: "E_BASELINE",
    subject: `${corpus.folder.name}/${PATH}`,
    expected: BASELINE_SCHEMA,
    got: parsed.error.issues[0]!.message,
    hint: "After a merge conflict it takes a person: run the gate, and bless its result again",
  });
}

/** Accepts what a gate found as the state from which the next ones may only get better. */
export async function bless(
  corpus: Corpus,
  catalog: Catalog,
  result: GateResult,
  words: Pick<Baseline, "at" | "by" | "reason" | "tool">,
): Promise<Baseline> {
  requireWhole(catalog, result);
  const keys = (own: readonly GateCase[]) => own.map(caseKey).sort();
  const known = result.cases.filter(({ trusted }) => trusted);
  const { name, identity } = result.candidate;
  const baseline: Baseline = {
    schema: BASELINE_SCHEMA,
    ...words,
    model: { name, identity },
    broken: keys(known.filter(({ outcome }) => isBroken(outcome))),
    standing: keys(known.filter(({ outcome }) => !isBroken(outcome))),
  };
  await corpus.folder.write(PATH, new TextEncoder().encode(canonicalText(baseline)));
  return baseline;
}

/** A baseline vouches for the whole corpus: a gate that left something out, or that knew a smaller one, can't be accepted. */
function requireWhole(catalog: Catalog, result: GateResult): void {
  const refuse = (expected: string, got: string) => {
    throw new BlindspotError({
      code: "E_BLESS",
      subject: "the gate's result",
      expected,
      got,
      hint: "Run blindspot gate again, to its end",
    });
  };
  const { cases, of } = result.verdict.notEvaluated;
  if (result.status !== "complete") refuse("a complete gate", "a partial one");
  if (cases > 0) refuse("an answer for every sample", `${cases} of ${of} without one`);
  const seen = new Set(result.cases.flatMap(({ sample, attacked }) => [sample, attacked?.child]));
  const trusted = catalog.ids(["trusted"]);
  const unseen = (trusted === "" ? [] : trusted.split("\n")).filter((id) => !seen.has(id));
  if (unseen.length > 0) refuse("a gate on the corpus as it is now", `${unseen.length} samples came later`);
}

/** The ratchet: of the samples that the baseline knew, no more may be broken than then. Null where that holds. */
export function ratchetOf(baseline: Baseline | null, now: number): VerdictFacts["ratchet"] {
  if (baseline === null) return null;
  const before = baseline.broken.length;
  const detail = `${now} broken that the baseline knew, ${before} then`;
  return now <= before ? null : { rule: "ratchet", cases: now - before, detail };
}

/** Broken samples among those that the baseline knew. */
export function brokenOf({ broken, standing }: Baseline, cases: CaseList): number {
  const known = new Set([...broken, ...standing]);
  let now = 0;
  for (const key of cases.keys((facts) => hasSay(facts) && isBrokenCase(facts))) if (known.has(key)) now++;
  return now;
}
