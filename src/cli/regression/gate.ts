import { join } from "node:path";
import { BlindspotError } from "../../base/errors.ts";
import { gate } from "../../regression/gate.ts";
import { type GatePolicy, policySchema } from "../../regression/schema.ts";
import { gateText } from "../../report/gate/console.ts";
import { openCorpus } from "../corpus/open.ts";
import { type Given, requireOptions } from "../options.ts";
import { defined, overridesOf } from "../plan-options.ts";
import { openVersions } from "./open-versions.ts";
import { beginSession } from "./session.ts";
import { writeJson } from "./write.ts";

export async function run(options: Given): Promise<number> {
  const given = requireOptions(options, ["model", "against"], "gate");
  const policy = policyOf(given);
  const corpus = await openCorpus(given);
  const session = await beginSession(given);
  const opened = await openVersions([given.model, given.against], given, corpus);
  try {
    const [candidate, base] = opened.versions;
    const { attacks, profile, seed } = given;
    const result = await gate({
      corpus,
      candidate: candidate!,
      base: base!,
      effort: { overrides: overridesOf(given), ...defined({ attacks, profiles: profile, seed }) },
      policy,
      ...session.options,
    });
    session.progress.clear();
    if (given.out !== undefined) await writeJson(join(given.out, "gate.json"), result);
    process.stdout.write(given.json ? `${JSON.stringify(result, null, 2)}\n` : gateText(result));
    return session.interrupted() ? 130 : result.verdict.exitCode;
  } finally {
    session.end();
    await opened.close();
  }
}

/** The policy of the options; all that is wrong with it at once. */
function policyOf({ failOn, maxNotEvaluated }: Given): GatePolicy {
  const parsed = policySchema.safeParse(defined({ failOn, maxNotEvaluated }));
  if (parsed.success) return parsed.data;
  throw new BlindspotError(
    parsed.error.issues.map(({ path, message }) => ({
      code: "E_GATE_POLICY",
      subject: "gate policy",
      where: path.join("."),
      expected: message,
    })),
  );
}
