import type { PlanOptions } from "../assess/plan.ts";
import type { PlanOverrides } from "../attacks/plan.ts";
import type { Target } from "./open.ts";
import type { Given } from "./options.ts";

/** The members whose value is not undefined. */
export function defined<T extends object>(members: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}

export function overridesOf({ set, queries, steps, restarts }: Given): PlanOverrides {
  return defined({ set, queries, steps, restarts });
}

/** What the command line says about the plan of a run. */
export function planOptions(target: Target, given: Given & { readonly threat: readonly string[] }): PlanOptions {
  const { goal, quantize, attacks, profile, samples, seed, risk } = given;
  return {
    model: target.classifier,
    data: target.data,
    threats: given.threat,
    overrides: overridesOf(given),
    ...defined({ goal, quantize, attacks, profiles: profile, samples, seed, risk }),
    ...(target.mask === null ? {} : { mask: target.mask }),
    ...(target.surrogate === null ? {} : { surrogate: target.surrogate }),
  };
}
