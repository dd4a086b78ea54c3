import { BlindspotError, type Problem } from "../base/errors.ts";
import { l2, linf, type ThreatOptions } from "./lp.ts";
import type { Threat } from "./threat.ts";

const BUILDERS = { linf, l2 } as const;
/** Kinds of the command line that have no implementation yet. */
const NOT_YET = ["l1", "l0", "fields", "text"];

/** Reads `linf:8/255`, `l2:0.5`. All that is wrong with the spec is said at once. */
export function parseThreat(spec: string, options: Omit<ThreatOptions, "spelled"> = {}): Threat {
  const colon = spec.indexOf(":");
  const kind = (colon < 0 ? spec : spec.slice(0, colon)).trim().toLowerCase();
  const size = colon < 0 ? "" : spec.slice(colon + 1).trim();
  const problems: Problem[] = [];
  const subject = `--threat ${spec}`;
  if (!Object.hasOwn(BUILDERS, kind))
    problems.push({
      code: NOT_YET.includes(kind) ? "E_THREAT_NOT_YET" : "E_THREAT_KIND",
      subject,
      expected: "linf:EPS or l2:EPS",
      got: `'${kind}'`,
      ...(NOT_YET.includes(kind) ? { hint: `Threats of kind '${kind}' are not implemented yet` } : {}),
    });
  const epsilon = parseEpsilon(size);
  if (epsilon === null || epsilon <= 0)
    problems.push({
      code: "E_THREAT_EPSILON",
      subject,
      expected: "a size above 0, such as 8/255 or 0.3 (in units of the input range scaled to 0..1)",
      got: `'${size}'`,
    });
  else if (kind === "linf" && epsilon > 1)
    problems.push({
      code: "E_THREAT_EPSILON",
      subject,
      expected: "at most 1: the input range is scaled to 0..1",
      got: size,
      hint: `For ${size} grey levels write linf:${size}/255`,
    });
  else if (kind === "linf" && options.quantize === "uint8" && 255 * epsilon + 1e-9 < 1)
    problems.push({
      code: "E_THREAT_EMPTY",
      subject,
      expected: "at least one grey level (1/255) for 8-bit inputs",
      got: size,
      hint: "Give a larger size, or --quantize none",
    });
  if (problems.length > 0) throw new BlindspotError(problems);
  return BUILDERS[kind as keyof typeof BUILDERS](epsilon!, { ...options, spelled: size });
}

/** A decimal number or a fraction; null for anything else. */
function parseEpsilon(text: string): number | null {
  const number = String.raw`(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`;
  const match = new RegExp(`^(-?${number})(?:\\s*/\\s*(${number}))?$`, "i").exec(text);
  if (match === null) return null;
  const value = Number(match[1]) / (match[2] === undefined ? 1 : Number(match[2]));
  return Number.isFinite(value) ? value : null;
}
