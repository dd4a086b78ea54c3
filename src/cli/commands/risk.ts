import { join } from "node:path";
import { storeRisk } from "../../assess/files.ts";
import { readRun } from "../../assess/files-read.ts";
import { assessRisk } from "../../assess/risk/assess-risk.ts";
import { declareRisk, type RiskInput } from "../../assess/risk/declare.ts";
import type { Declared } from "../../assess/schema.ts";
import type { StoredRun } from "../../assess/store.ts";
import { BlindspotError } from "../../base/errors.ts";
import { riskPage } from "../../report/risk-page.ts";
import type { Given } from "../options.ts";
import { riskInput } from "../risk-input.ts";

/** Computes the risk of a stored run anew, under another declaration: nothing is attacked, and without --write nothing is written. */
export async function run(given: Given, [directory]: readonly string[]): Promise<number> {
  const input = await riskInput(given);
  const stored = await readRun(directory!);
  const declared = declareRisk({ ...inputOf(stored.result.risk?.declared), ...input }, stored.result.model.classes);
  const risk = assessRisk(stored, declared);
  for (const problem of stored.problems) process.stderr.write(`note: ${problem}\n`);
  if (given.write) await write(directory!, stored, risk);
  process.stdout.write(given.json ? `${JSON.stringify(risk, null, 2)}\n` : riskPage(stored.result, risk));
  return 0;
}

/** What the run was begun with holds where nothing else is declared. */
function inputOf(declared: Declared | undefined): RiskInput {
  if (declared === undefined) return {};
  const { exposure, viewer, impact } = declared;
  const stated = impact.defaultDeclared ? { default: impact.default } : {};
  return { exposure, viewer, impact: { pairs: impact.pairs, ...stated } };
}

/** A run that does not fit together gets no new hash: it would pass for whole. */
async function write(directory: string, { problems }: StoredRun, risk: ReturnType<typeof assessRisk>): Promise<void> {
  if (problems.length > 0)
    throw new BlindspotError({
      code: "E_RUN_CHANGED",
      subject: directory,
      expected: "a run as it was written",
      got: problems.join("; "),
      hint: "Leave out --write, or run the assessment again",
    });
  await storeRisk(directory, risk);
  process.stderr.write(`Written to ${join(directory, "result.json")}: reports made from now on show this risk\n`);
}
