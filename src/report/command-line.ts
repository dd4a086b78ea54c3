import type { Finding, Result } from "../assess/schema.ts";
import { QUERIED, READING } from "./option-groups.ts";

/** What a command needs to know of the run that it continues. */
export type CommandContext = Pick<Result, "options"> & {
  readonly model: Pick<Result["model"], "name" | "surrogate">;
  readonly data: Pick<Result["data"], "spec">;
};

/** Options of the run that any further command on the same model and data needs too, as typed. */
const CARRIED = ["model", "data", "schema", ...READING, "goal", "quantize", "mask", "surrogate", ...QUERIED] as const;

/** Further options that decide what `assess` does. */
const PLAN = [
  "threat",
  "samples",
  "attacks",
  "profile",
  "seed",
  "queries",
  "steps",
  "restarts",
  "set",
  "save",
  "audit",
] as const;
/** Given once for each value. */
const REPEATED: readonly string[] = ["threat", "set", "header"];

/** The options that name model, data and attacker of a run, as words of a command. */
export function carried(context: CommandContext, without: readonly string[] = []): string[] {
  const keys = CARRIED.filter((key) => !without.includes(key));
  return [...words(valuesOf(context), keys), ...(context.options["probe"] === false ? ["--no-probe"] : [])];
}

/** The command of a run, without its limit of time: begins it anew, or goes on with it where `directory` is its folder. */
export function runCommand(context: CommandContext, directory: string | null = null): string {
  const plan = words(valuesOf(context), PLAN);
  return commandLine(["assess", ...carried(context), ...plan, ...(directory === null ? [] : ["--out", directory])]);
}

function valuesOf({ options, model, data }: CommandContext): Readonly<Record<string, unknown>> {
  return { model: model.name, data: data.spec, ...options };
}

/** Options as words, in this order; those that were not given are left out. */
function words(values: Readonly<Record<string, unknown>>, keys: readonly string[]): string[] {
  return keys.flatMap((key) => {
    const value = values[key];
    const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    if (value === undefined || value === false) return [];
    if (value === true) return [flag];
    if (!Array.isArray(value)) return [flag, String(value)];
    if (REPEATED.includes(key)) return value.flatMap((one) => [flag, String(one)]);
    return [flag, listText(value, key === "inputRange" ? ".." : ",")];
  });
}

/** A list as it is typed; a list of pairs is one of ranges. */
function listText(values: readonly unknown[], separator: string): string {
  if (values.every(Array.isArray)) return values.map((pair) => (pair as unknown[]).join("..")).join(",");
  return values.join(separator);
}

/** `npx blindspot` and these words, as a POSIX shell takes them literally. */
export function commandLine(words: readonly string[]): string {
  return ["npx", "blindspot", ...words].map(shellWord).join(" ");
}

/** As a shell takes it literally. */
function shellWord(text: string): string {
  return /^[\w./:=,@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * The command that makes exactly this finding again, with its id: an attempt depends on seed, attack, settings and sample alone.
 * Every setting is given, so that later defaults change nothing.
 */
export function reproducingCommand(finding: Finding, context: CommandContext): string {
  const { attack, constraints, seed, subject, threatModel } = finding;
  const settings = Object.entries(attack.settings).flatMap(([key, value]) => [
    "--set",
    `${attack.name}.${key}=${value}`,
  ]);
  const queries = words(context.options, ["queries"]);
  const same = withKeptSurrogate(context);
  return commandLine([
    "attack",
    attack.name,
    ...carried(same, threatModel.knowledge === "transfer" ? [] : ["surrogate"]),
    ...["--threat", constraints.threat.split(";")[0]!],
    ...["--samples", `index:${subject.index}`],
    ...["--seed", String(seed)],
    ...queries,
    ...settings,
  ]);
}

/** A surrogate that the run has trained lies in its folder: training it again would cost queries, and on other samples give another one. */
function withKeptSurrogate(context: CommandContext): CommandContext {
  const file = context.model.surrogate?.file;
  const { out } = context.options;
  if (file === undefined || typeof out !== "string") return context;
  return { ...context, options: { ...context.options, surrogate: `${out}/${file}` } };
}
