import { BlindspotError, type Problem, ProblemList } from "../base/errors.ts";
import type { Capabilities } from "../models/classifier.ts";
import type { Threat } from "../threats/threat.ts";
import type { AttackDefinition, Knowledge, Settings, SettingValue } from "./attack.ts";
import type { PlannedAttack, ProfilePlan } from "./record.ts";
import { attacks, didYouMean, findAttack } from "./registry.ts";
import { suites } from "./suites.ts";

/** Order in which profiles are run and reported. */
export const KNOWLEDGES: readonly Knowledge[] = ["white-box", "score", "label", "transfer"];

export interface PlanOverrides {
  /** `pgd.stepSize=0.01`: one setting of one attack. */
  readonly set?: readonly string[];
  /** For every attack that has a setting of this name; `set` is stronger. */
  readonly queries?: number;
  readonly steps?: number;
  readonly restarts?: number;
}

export interface PlanContext {
  readonly threat: Threat;
  readonly dims: readonly number[];
  readonly classes: number;
  readonly capabilities: Capabilities;
  readonly surrogate: boolean;
  /** Whether there are inputs that fooled another version, for warm attacks. */
  readonly starts?: boolean;
  /** What is wrong with the model: said where an attack by name needs gradients that it does not give. */
  readonly modelProblems?: readonly Problem[];
}

export interface NotRun {
  readonly attack: string;
  readonly knowledge: Knowledge;
  readonly reason: string;
}

export interface AttackPlan {
  readonly profiles: readonly ProfilePlan[];
  /** What a suite holds but this model, threat or choice of profiles excludes. */
  readonly notRun: readonly NotRun[];
}

interface Wanted {
  readonly definition: AttackDefinition;
  readonly settings: Settings;
  /** Named by the user, not by a suite: then being unable to run is an error. */
  readonly named: boolean;
}

/**
 * Turns names of suites and attacks (`["standard"]`, `["pgd", "square"]`) into attacks with settings, by profile.
 * `profiles` null: every profile. All that is wrong with names and settings is reported at once.
 */
export function planProfiles(
  names: readonly string[],
  profiles: readonly Knowledge[] | null,
  overrides: PlanOverrides,
  context: PlanContext,
): AttackPlan {
  const problems = new ProblemList();
  const listed = names.flatMap((name) => problems.collect(() => wantedBy(name)) ?? []);
  const wanted = once(listed, context.classes);
  const known = parseSet(overrides.set ?? [], problems);
  for (const attack of known.keys())
    if (wanted.length > 0 && !wanted.some(({ definition }) => definition.name === attack))
      problems.add({ code: "E_SET_UNUSED", subject: `--set ${attack}`, expected: "an attack that runs", got: attack });
  const planned: PlannedAttack[] = [];
  const notRun: NotRun[] = [];
  for (const { definition, settings, named } of wanted.filter((one) => belongs(one, wanted, context))) {
    const { name, knowledge } = definition;
    const reason = obstacle(definition, profiles, context);
    if (reason === null) {
      const own = known.get(name) ?? new Map<string, string>();
      const complete = problems.collect(() => withOverrides(definition, settings, overrides, own));
      if (complete !== null) planned.push({ definition, settings: complete });
    } else if (named) problems.add({ code: "E_ATTACK_UNSUITABLE", subject: `attack '${name}'`, got: reason });
    else notRun.push({ attack: name, knowledge, reason });
  }
  if (problems.problems.length === 0 && planned.length === 0)
    problems.add({
      code: "E_NOTHING_TO_RUN",
      subject: `--attacks ${names.join(",")}`,
      got: notRun.map(({ attack, reason }) => `${attack}: ${reason}`).join("; ") || "no attack",
    });
  const gradientWanted = wanted.some(
    ({ definition, named }) => named && definition.knowledge === "white-box" && definition.reads !== "trees",
  );
  if (gradientWanted && !context.capabilities.gradient)
    for (const problem of context.modelProblems ?? []) problems.add(problem);
  problems.throwIfAny();
  const byKnowledge = KNOWLEDGES.map((knowledge) => ({
    knowledge,
    attacks: planned.filter(({ definition }) => definition.knowledge === knowledge),
  }));
  return { profiles: byKnowledge.filter((profile) => profile.attacks.length > 0), notRun };
}

/**
 * What a plan lacks of a suite, in words: attacks that could have run and did not, and settings below the suite's. `queries`: the limit of
 * each attempt. Empty: at least the suite ran.
 */
export function shortOfSuite(
  suite: string,
  profiles: readonly ProfilePlan[],
  queries: number,
  context: PlanContext,
): string[] {
  const planned = profiles.flatMap(({ attacks }) => attacks);
  return suiteAttacks(suite, context).flatMap(({ definition, settings }) => {
    const own = planned.filter((attack) => attack.definition.name === definition.name);
    if (own.length === 0) return [`${definition.name} did not run`];
    const needed = definition.cost(settings, { classes: context.classes }).queries;
    const lower = EFFORT.filter((key) => own.every((attack) => Number(attack.settings[key]) < Number(settings[key])));
    return [
      ...lower.map((key) => `${definition.name} ran with ${own[0]!.settings[key]} ${key}, not ${settings[key]}`),
      ...(queries < needed ? [`${definition.name} could ask ${queries} queries, not ${needed}`] : []),
    ];
  });
}

/** Settings that say how hard an attack tries. */
const EFFORT = ["steps", "restarts", "queries"] as const;

/** The attacks of a suite that can run here, in its order; empty if none can. */
export function suiteAttacks(name: string, context: PlanContext): PlannedAttack[] {
  return wantedBy(name).filter(({ definition }) => obstacle(definition, null, context) === null);
}

function wantedBy(name: string): Wanted[] {
  const suite = suites.find((candidate) => candidate.name === name);
  if (suite !== undefined)
    return KNOWLEDGES.flatMap((knowledge) =>
      (suite.attacks[knowledge] ?? []).map(({ attack, settings }) => {
        const definition = findAttack(attack);
        return { definition, settings: { ...definition.defaults, ...settings }, named: false };
      }),
    );
  const definition = attacks.find((attack) => attack.name === name);
  if (definition !== undefined) return [{ definition, settings: definition.defaults, named: true }];
  throw new BlindspotError({
    code: "E_ATTACK_UNKNOWN",
    subject: `--attacks ${name}`,
    hint: didYouMean(
      name,
      [...suites, ...attacks].map((known) => known.name),
    ),
  });
}

/** Results are kept by name: of an attack that suites or the user list several times, the most thorough runs. */
function once(listed: readonly Wanted[], classes: number): Wanted[] {
  const byName = new Map<string, Wanted>();
  for (const one of listed) {
    const { definition, settings } = one;
    const before = byName.get(definition.name);
    const effort = (candidate: Settings) => definition.cost(candidate, { classes }).queries;
    if (before === undefined) byName.set(definition.name, one);
    else {
      const stronger = effort(settings) > effort(before.settings) ? one : before;
      byName.set(definition.name, { ...stronger, named: one.named || before.named });
    }
  }
  return [...byName.values()];
}

/** A suite lists attacks for several norms: those for another one are no loss where others of the same knowledge fit. */
function belongs(
  { definition, named }: Wanted,
  wanted: readonly Wanted[],
  { threat: { norm }, capabilities }: PlanContext,
): boolean {
  // Attacks on trees are no loss for any other model.
  if (!named && definition.reads === "trees" && !capabilities.trees) return false;
  if (named || definition.norms.includes(norm)) return true;
  // What is made for rows or texts is no loss for pixels, nor the other way around.
  if ([norm, ...definition.norms].some((own) => own === "fields" || own === "text")) return false;
  return !wanted.some(
    (other) => other.definition.knowledge === definition.knowledge && other.definition.norms.includes(norm),
  );
}

/** Why an attack can't run here, or null. */
function obstacle(
  definition: AttackDefinition,
  profiles: readonly Knowledge[] | null,
  { threat, dims, classes, capabilities, surrogate, starts = false }: PlanContext,
): string | null {
  const { knowledge, warm = false } = definition;
  if (profiles !== null && !profiles.includes(knowledge)) return `profile '${knowledge}' was not asked for`;
  if (!definition.norms.includes(threat.norm))
    return `works for ${definition.norms.join(" and ")} threats, not for ${threat.norm}`;
  if (definition.reads === "trees" && !capabilities.trees)
    return "the model is no ensemble of decision trees whose file can be read";
  if (knowledge === "white-box" && definition.reads !== "trees" && !capabilities.gradient)
    return `the model gives no gradients (use a ${capabilities.output === "label" ? "label" : "score"} attack)`;
  if (knowledge === "score" && capabilities.output === "label")
    return "the model gives labels only, no scores (use a label attack)";
  if (knowledge === "transfer" && !surrogate) return "there is no surrogate (--surrogate MODEL)";
  if (warm && !starts) return "there is nothing to start from (--start-from RUN)";
  return definition.unsuitable?.({ threat, dims, classes }) ?? null;
}

/** Values by attack and key. */
function parseSet(assignments: readonly string[], problems: ProblemList): Map<string, Map<string, string>> {
  const result = new Map<string, Map<string, string>>();
  for (const assignment of assignments) {
    const match = /^([a-z0-9-]+)\.([a-zA-Z]+)=(.*)$/.exec(assignment);
    if (match === null) {
      problems.add({ code: "E_SET", subject: `--set ${assignment}`, expected: "ATTACK.KEY=VALUE" });
      continue;
    }
    const [, attack, key, value] = match as unknown as [string, string, string, string];
    if (problems.collect(() => findAttack(attack)) !== null)
      result.set(attack, (result.get(attack) ?? new Map<string, string>()).set(key, value));
  }
  return result;
}

function withOverrides(
  definition: AttackDefinition,
  settings: Settings,
  { queries, steps, restarts }: PlanOverrides,
  own: ReadonlyMap<string, string>,
): Settings {
  const problems: Problem[] = [];
  const result: Record<string, SettingValue> = { ...settings };
  for (const [key, value] of Object.entries({ queries, steps, restarts }))
    if (value !== undefined && Object.hasOwn(result, key)) result[key] = value;
  for (const [key, text] of own) {
    const subject = `--set ${definition.name}.${key}=${text}`;
    const before = Object.hasOwn(settings, key) ? settings[key] : undefined;
    if (before === undefined) {
      problems.push({ code: "E_SET_KEY", subject, hint: didYouMean(key, Object.keys(settings)) });
      continue;
    }
    const value = readSetting(text, before);
    if (value === null)
      problems.push({ code: "E_SET_VALUE", subject, expected: `a ${typeof before}`, got: `'${text}'` });
    else result[key] = value;
  }
  for (const [key, value] of Object.entries(result)) {
    const expected = expectation(definition, key, value);
    if (expected !== null)
      problems.push({ code: "E_SET_VALUE", subject: `${definition.name}.${key}`, expected, got: String(value) });
  }
  if (problems.length > 0) throw new BlindspotError(problems);
  return result;
}

function readSetting(text: string, before: SettingValue): SettingValue | null {
  if (typeof before === "string") return text;
  if (typeof before === "boolean") return text === "true" ? true : text === "false" ? false : null;
  const [numerator, denominator, ...rest] = text
    .split("/")
    .map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const value = denominator === undefined ? numerator! : numerator! / denominator;
  return rest.length === 0 && Number.isFinite(value) ? value : null;
}

/** Settings that count something. */
const COUNTS = ["queries", "steps", "restarts", "targets"];

/** What the setting should have been, or null if it is right. */
function expectation(definition: AttackDefinition, key: string, value: SettingValue): string | null {
  const choices = definition.choices?.[key];
  if (choices !== undefined) return choices.includes(value) ? null : choices.join(" or ");
  if (COUNTS.includes(key)) return Number.isInteger(value) && Number(value) >= 1 ? null : "a whole number above 0";
  return typeof value !== "number" || value >= 0 ? null : "0 or more";
}
