import { ProblemList } from "../../base/errors.ts";
import { declared } from "../schema/risk.ts";
import type { Declared } from "../schema.ts";
import { ANY } from "./impact.ts";

/**
 * What an owner says of a deployment, as a config file holds it. What is left out is taken cautiously: anybody has the model, and
 * nobody looks; each mistake costs 3, with the remark that its impact was not assessed.
 */
export interface RiskInput {
  /** Who can reach the model, and what of it: see `--exposure`. */
  readonly exposure?: unknown;
  /** Who sees an input before it counts: see `--viewer`. */
  readonly viewer?: unknown;
  /**
   * What a mistake costs, 1 to 5: `default`; `pairs`, a list of `{true, wrong, impact}`; and rows, `{"stop": {"yield": 4, "*": 3}}`.
   * Classes are named, or given by their index; `*` is every class.
   */
  readonly impact?: unknown;
}

export const DEFAULT_IMPACT = 3;
const LARGEST_IMPACT = 5;
/** Class names that a message lists. */
const NAMED = 20;

type Raw = Readonly<Record<string, unknown>>;
const isRecord = (value: unknown): value is Raw => typeof value === "object" && value !== null && !Array.isArray(value);
const quoted = (value: unknown) => (typeof value === "string" ? `'${value}'` : (JSON.stringify(value) ?? "nothing"));

/** Reads a declaration against the classes of the model; everything that is wrong with it is thrown at once. */
export function declareRisk(input: unknown, classes: readonly string[]): Declared {
  const problems = new ProblemList();
  const subject = "risk";
  if (!isRecord(input)) {
    problems.add({ code: "E_RISK", subject, expected: "an object", got: quoted(input) });
    problems.throwIfAny();
  }
  const given = input as Raw;
  const known = ["exposure", "viewer", "impact"];
  for (const where of Object.keys(given).filter((one) => !known.includes(one)))
    problems.add({ code: "E_RISK_KEY", subject, where, expected: `one of ${known.join(", ")}` });
  const choose = <const T extends string>(where: string, values: readonly T[], otherwise: T): T => {
    const value = given[where];
    const found = values.find((one) => one === value);
    if (value !== undefined && found === undefined)
      problems.add({ code: "E_RISK_VALUE", subject, where, expected: values.join(", "), got: quoted(value) });
    return found ?? otherwise;
  };
  const exposure = choose("exposure", declared.shape.exposure.options, "public");
  const viewer = choose("viewer", declared.shape.viewer.options, "none");
  const impact = readImpact(given["impact"], classes, problems);
  problems.throwIfAny();
  return { exposure, viewer, impact, assessed: impact.defaultDeclared || impact.pairs.length > 0 };
}

/** One entry of the matrix as it was written. */
interface Entry {
  readonly where: string;
  readonly from: unknown;
  readonly to: unknown;
  readonly impact: unknown;
}

function readImpact(input: unknown, classes: readonly string[], problems: ProblemList): Declared["impact"] {
  const subject = "risk.impact";
  if (input !== undefined && !isRecord(input))
    problems.add({ code: "E_IMPACT", subject, expected: "an object of rows, pairs and a default", got: quoted(input) });
  const pairs = new Map<string, Declared["impact"]["pairs"][number]>();
  let stated: number | undefined;
  for (const entry of isRecord(input) ? entries(input, problems, subject) : []) {
    const from = classOf(entry, entry.from, classes, problems, subject);
    const to = classOf(entry, entry.to, classes, problems, subject);
    const impact = levelOf(entry, problems, subject);
    if (from === null || to === null || impact === null) continue;
    if (from === ANY && to === ANY) {
      stated = impact;
      continue;
    }
    const refuse = (expected: string, got: string) =>
      problems.add({ code: "E_IMPACT_PAIR", subject, where: entry.where, expected, got });
    if (from === to) refuse("two different classes", `'${from}' twice`);
    const id = JSON.stringify([from, to]);
    const before = pairs.get(id);
    if (before !== undefined && before.impact !== impact)
      refuse("one impact for a pair", `${before.impact} and ${impact}`);
    pairs.set(id, { true: from, wrong: to, impact });
  }
  return { default: stated ?? DEFAULT_IMPACT, defaultDeclared: stated !== undefined, pairs: [...pairs.values()] };
}

/** Rows, pairs and the default, in one list. A class may be called `default` or `pairs`: its row is an object. */
function entries(input: Raw, problems: ProblemList, subject: string): Entry[] {
  return Object.entries(input).flatMap(([name, value]): Entry[] => {
    if (isRecord(value))
      return Object.entries(value).map(([to, impact]) => ({ where: `${name} > ${to}`, from: name, to, impact }));
    if (name === "default") return [{ where: name, from: ANY, to: ANY, impact: value }];
    if (name === "pairs" && Array.isArray(value))
      return value.flatMap((pair, i) => pairEntry(pair, i, problems, subject));
    const expected = name === "pairs" ? "a list of {true, wrong, impact}" : `a row, such as {"${ANY}": 4}`;
    problems.add({ code: "E_IMPACT", subject, where: name, expected, got: quoted(value) });
    return [];
  });
}

function pairEntry(pair: unknown, index: number, problems: ProblemList, subject: string): Entry[] {
  const where = `pair ${index}`;
  const fits = isRecord(pair) && Object.keys(pair).every((key) => ["true", "wrong", "impact"].includes(key));
  if (fits) return [{ where, from: pair["true"], to: pair["wrong"], impact: pair["impact"] }];
  problems.add({ code: "E_IMPACT", subject, where, expected: "{true, wrong, impact}", got: quoted(pair) });
  return [];
}

/** A name wins over an index: classes called "30" and "50" are speeds. */
function classOf(
  { where }: Entry,
  given: unknown,
  classes: readonly string[],
  problems: ProblemList,
  subject: string,
): string | null {
  const text = typeof given === "number" ? String(given) : given;
  if (typeof text === "string") {
    if (classes.includes(text) || text === ANY) return text;
    const byIndex = /^\d+$/.test(text) ? classes[Number(text)] : undefined;
    if (byIndex !== undefined) return byIndex;
  }
  const names = classes.slice(0, NAMED).join(", ") + (classes.length > NAMED ? `, ... (${classes.length})` : "");
  problems.add({
    code: "E_IMPACT_CLASS",
    subject,
    where,
    expected: `a class of the model (${names}) or ${ANY}`,
    got: given === undefined ? "none" : quoted(given),
  });
  return null;
}

function levelOf({ where, impact }: Entry, problems: ProblemList, subject: string): number | null {
  if (Number.isInteger(impact) && (impact as number) >= 1 && (impact as number) <= LARGEST_IMPACT)
    return impact as number;
  problems.add({
    code: "E_IMPACT_VALUE",
    subject,
    where,
    expected: `a whole number from 1 (negligible) to ${LARGEST_IMPACT} (worst)`,
    got: impact === undefined ? "none" : quoted(impact),
  });
  return null;
}
