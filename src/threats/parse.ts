import { BlindspotError, type Problem } from "../base/errors.ts";
import type { RowSpace } from "../inputs/row/row-space.ts";
import { LIMIT_KINDS, type LimitKind } from "../inputs/text/edits.ts";
import { isMasked, type ThreatOptions } from "./box.ts";
import { type FieldsWithin, fields } from "./fields.ts";
import { parseGoal } from "./goal.ts";
import { l0 } from "./l0.ts";
import { l2, linf } from "./lp.ts";
import { text } from "./text.ts";
import type { Threat } from "./threat.ts";

export interface ParseOptions extends Omit<ThreatOptions, "spelled"> {
  /** Of one input: [height, width, channels] where L0 counts pixels, [features]. Default: L0 counts values. */
  readonly dims?: readonly number[];
  /** Rows of a schema: what `fields:K` may change. */
  readonly rows?: RowSpace;
  /** Whether the data are texts. */
  readonly texts?: boolean;
}

/** Kinds of the command line that have no implementation yet. */
const NOT_YET = ["l1"];
const KNOWN = "linf:EPS, l2:EPS, l0:PIXELS, fields:K or text:KIND=N";

/** Reads `linf:8/255`, `l2:0.5`, `l0:5`, `l0:5?count=channels`, `fields:2`, `fields:2?linf=0.1`, `text:invisible=2+words=1`. All that is wrong with the spec is said at once. */
export function parseThreat(spec: string, { dims = [], rows, texts, ...options }: ParseOptions = {}): Threat {
  const colon = spec.indexOf(":");
  const kind = (colon < 0 ? spec : spec.slice(0, colon)).trim().toLowerCase();
  const size = colon < 0 ? "" : spec.slice(colon + 1).trim();
  const subject = `--threat ${spec}`;
  if (kind === "fields") return parseFields(subject, size, rows, options);
  if (kind === "text") return parseText(subject, size, texts, options);
  if (texts === true)
    throw new BlindspotError({
      code: "E_THREAT_KIND",
      subject,
      expected: "text:KIND=N, such as text:invisible=2: the data are texts",
      got: `'${kind}'`,
    });
  if (rows !== undefined)
    throw new BlindspotError({
      code: "E_THREAT_KIND",
      subject,
      expected: "fields:K: what may happen to rows is what their schema says",
      got: `'${kind}'`,
    });
  if (kind === "l0") return parseSparse(subject, size, dims, options);
  const problems: Problem[] = [];
  if (kind !== "linf" && kind !== "l2")
    problems.push({
      code: NOT_YET.includes(kind) ? "E_THREAT_NOT_YET" : "E_THREAT_KIND",
      subject,
      expected: KNOWN,
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
  return (kind === "linf" ? linf : l2)(epsilon!, { ...options, spelled: size });
}

/**
 * The threat that an id names: `linf:8/255;uint8;targeted:3`. `classes`: how many there are, since goals are written as numbers. Of a mask the id
 * holds a hash alone: it has to be given, and any is taken; whoever needs the same one compares the ids. Throws where it is missing.
 */
export function threatOfId(
  id: string,
  { classes, ...options }: Omit<ParseOptions, "goal" | "quantize"> & { readonly classes: number },
): Threat {
  const [spec = "", quantize, goal = "untargeted", ...rest] = id.split(";");
  const subject = `threat ${id}`;
  const masked = isMasked(id);
  if ((quantize !== "uint8" && quantize !== "none") || !rest.every((part) => /^(masked$|mask=|schema=)/.test(part)))
    throw new BlindspotError({ code: "E_THREAT_ID", subject, expected: "KIND:SIZE;uint8|none;GOAL" });
  if (masked && options.mask == null)
    throw new BlindspotError({
      code: "E_THREAT_MASK",
      subject,
      expected: "its mask",
      hint: "Give it with --mask FILE",
    });
  // Names are left out, so that every class is read as the number that it is.
  const unnamed = new Array<string>(classes).fill("");
  const texts = spec.startsWith("text:");
  const threat = parseThreat(spec, { ...options, texts, quantize, goal: parseGoal(goal, unnamed) });
  const schemaOf = (name: string) => name.split(";").find((part) => part.startsWith("schema="));
  if (schemaOf(threat.id) === schemaOf(id)) return threat;
  throw new BlindspotError({
    code: "E_THREAT_ID",
    subject,
    expected: "the schema that it was stated for",
    got: threat.id,
  });
}

/** `5` or `5?count=channels`. Pixels are counted on images, whatever their channels. */
function parseSparse(
  subject: string,
  size: string,
  dims: readonly number[],
  options: Omit<ThreatOptions, "spelled">,
): Threat {
  const [count = "", query] = size.split("?");
  const problems: Problem[] = [];
  const [height = 0, width = 0, channels = 1] = dims.length === 3 ? dims : [dims[0] ?? 0, 1, 1];
  const perPixel = dims.length === 3 && query === undefined;
  const counted = perPixel ? "pixels" : dims.length === 3 ? "channel values" : "fields";
  const most = height * width * (perPixel ? 1 : channels);
  if (query !== undefined && query !== "count=channels")
    problems.push({
      code: "E_THREAT_OPTION",
      subject,
      expected: "count=channels (each channel of a pixel counts) or nothing (pixels count)",
      got: `'${query}'`,
    });
  if (!/^\d+$/.test(count) || Number(count) < 1 || (most > 0 && Number(count) > most))
    problems.push({
      code: "E_THREAT_EPSILON",
      subject,
      expected: `a whole number of ${counted}, 1 or more${most > 0 ? `, at most ${most}` : ""}`,
      got: `'${count}'`,
    });
  if (problems.length > 0) throw new BlindspotError(problems);
  return l0(Number(count), { ...options, spelled: size, unit: perPixel ? channels : 1 });
}

const BOUNDS = ["linf", "l2", "l1", "cost"] as const;

/** `2`: at most so many fields, of those that the schema names. `2?linf=0.1&cost=3`: and within bounds. */
function parseFields(
  subject: string,
  size: string,
  rows: RowSpace | undefined,
  options: Omit<ThreatOptions, "spelled">,
): Threat {
  const [number = "", query] = size.split("?");
  const problems: Problem[] = [];
  if (rows === undefined)
    problems.push({
      code: "E_THREAT_SCHEMA",
      subject,
      expected: "rows of a schema",
      hint: "Give --schema FILE; `blindspot init --data FILE` writes a first one",
    });
  const most = rows?.fields.length ?? Number.POSITIVE_INFINITY;
  const count = /^\d+$/.test(number) ? Number(number) : Number.NaN;
  if (!(count >= 1 && count <= most))
    problems.push({
      code: "E_THREAT_EPSILON",
      subject,
      expected: `a whole number of fields, 1 or more${Number.isFinite(most) ? `, at most ${most}` : ""}`,
      got: `'${number}'`,
    });
  if (options.quantize === "uint8")
    problems.push({
      code: "E_THREAT_OPTION",
      subject,
      expected: "--quantize none: a schema says which values are legal",
    });
  const within = parseBounds(subject, query, problems);
  if (problems.length > 0) throw new BlindspotError(problems);
  return fields(count, rows!, { ...options, within, spelled: size });
}

function parseBounds(subject: string, query: string | undefined, problems: Problem[]): FieldsWithin {
  if (query === undefined) return {};
  const within: Partial<Record<(typeof BOUNDS)[number], number>> = {};
  for (const part of query.split("&")) {
    const [key = "", text = ""] = part.split("=");
    const bound = BOUNDS.find((known) => known === key);
    const value = parseEpsilon(text);
    if (bound === undefined || value === null || value <= 0 || within[bound] !== undefined)
      problems.push({
        code: "E_THREAT_OPTION",
        subject,
        expected: `${BOUNDS.join("=, ")}= and a size above 0, each once, such as fields:2?linf=0.1&cost=3`,
        got: `'${part}'`,
      });
    else within[bound] = value;
  }
  return within;
}

/** Edits that a text threat may allow of one kind. */
const MOST_EDITS = 100;

/** `invisible=2+words=1` */
function parseText(
  subject: string,
  size: string,
  texts: boolean | undefined,
  options: Omit<ThreatOptions, "spelled">,
): Threat {
  const problems: Problem[] = [];
  if (texts !== true) problems.push({ code: "E_THREAT_KIND", subject, expected: "texts as data", got: "other data" });
  const limits = Object.fromEntries(LIMIT_KINDS.map((kind) => [kind, 0])) as Record<LimitKind, number>;
  for (const part of size.split("+")) {
    const [name = "", count = ""] = part.split("=");
    const kind = LIMIT_KINDS.find((known) => known === name.trim());
    const number = /^\d+$/.test(count.trim()) ? Number(count) : 0;
    if (kind === undefined || number < 1 || number > MOST_EDITS)
      problems.push({
        code: "E_THREAT_EPSILON",
        subject,
        expected: `${LIMIT_KINDS.join("=N, ")}=N, with N from 1 to ${MOST_EDITS}, joined by +`,
        got: `'${part}'`,
      });
    else if (limits[kind] > 0) problems.push({ code: "E_THREAT_TWICE", subject, expected: `${kind} once`, got: size });
    else limits[kind] = number;
  }
  if (options.quantize === "uint8")
    problems.push({ code: "E_THREAT_OPTION", subject, expected: "--quantize none: a text has code points" });
  if (options.mask != null) problems.push({ code: "E_THREAT_OPTION", subject, expected: "no --mask" });
  if (problems.length > 0) throw new BlindspotError(problems);
  return text(limits, options);
}

/** A decimal number or a fraction; null for anything else. */
function parseEpsilon(text: string): number | null {
  const number = String.raw`(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`;
  const match = new RegExp(`^(-?${number})(?:\\s*/\\s*(${number}))?$`, "i").exec(text);
  if (match === null) return null;
  const value = Number(match[1]) / (match[2] === undefined ? 1 : Number(match[2]));
  return Number.isFinite(value) ? value : null;
}
