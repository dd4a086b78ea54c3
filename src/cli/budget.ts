import { grouped, plural } from "../report/format.ts";
import type { Given } from "./options.ts";

/** Rows that may be sent in the whole run. */
export function budgetOf({ maxQueries = Infinity, maxCost = Infinity, costPerQuery }: Given): number {
  return Math.min(maxQueries, costPerQuery === undefined ? Infinity : Math.floor(maxCost / costPerQuery + 1e-6));
}

/** What a budget is enough for, where it is not for all samples; a line, or none. `attacks`: queries if all of them resist. */
export function shortBudget(limit: number, attacks: number, samples: number): string[] {
  if (limit >= attacks) return [];
  const each = Math.ceil(attacks / samples);
  const enough = Math.floor(limit / each);
  const first = `${grouped(limit)} queries are enough for ${enough === 0 ? "none" : `about ${enough}`} of ${plural(samples, "sample")}, if they resist: ${grouped(each)} queries each`;
  return [`${first}. Fewer --queries for each make more of a budget`];
}
