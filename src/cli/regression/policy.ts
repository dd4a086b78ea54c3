import { BlindspotError } from "../../base/errors.ts";
import { type GatePolicy, policySchema } from "../../regression/schema.ts";
import type { Given } from "../options.ts";
import { defined } from "../plan-options.ts";

/** The policy of a gate: what the config file says, unless options say otherwise. All that is wrong with it at once. */
export function policyOf({ gate = {}, failOn, maxNotEvaluated }: Given): GatePolicy {
  const parsed = policySchema.safeParse({ ...gate, ...defined({ failOn, maxNotEvaluated }) });
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
