import type { RiskInput } from "../assess/risk/declare.ts";
import { loadObject } from "./config.ts";
import type { Given } from "./options.ts";
import { defined } from "./plan-options.ts";

/** The deployment as options and the config's `risk` declare it; an option wins. Undefined where nothing is declared. */
export async function riskInput({ risk, exposure, viewer, impact }: Given): Promise<RiskInput | undefined> {
  const fromFile = impact === undefined ? undefined : await loadObject(impact);
  const input = { ...risk, ...defined({ exposure, viewer, impact: fromFile }) };
  return Object.keys(input).length === 0 ? undefined : input;
}
