import type { Finding, Result } from "../assess/schema.ts";

/** What a command needs to know of the run that it continues. */
export type CommandContext = Pick<Result, "options"> & {
  readonly model: Pick<Result["model"], "name">;
  readonly data: Pick<Result["data"], "spec">;
};

/** Options of the run that any further command on the same model and data needs too, as typed. */
const CARRIED = [
  "model",
  "data",
  "classes",
  "inputRange",
  "mean",
  "std",
  "channels",
  "layout",
  "shape",
  "output",
  "goal",
  "quantize",
  "mask",
  "surrogate",
] as const;

/** The options that name model, data and attacker of a run, as words of a command. */
export function carried({ options, model, data }: CommandContext, without: readonly string[] = []): string[] {
  const values: Record<string, unknown> = { model: model.name, data: data.spec, ...options };
  const words = CARRIED.filter((key) => values[key] !== undefined && !without.includes(key)).flatMap((key) => {
    const value = values[key];
    const text = Array.isArray(value) ? listText(value, key === "inputRange" ? ".." : ",") : String(value);
    return [`--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, text];
  });
  return values["probe"] === false ? [...words, "--no-probe"] : words;
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
export function shellWord(text: string): string {
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
  const { queries } = context.options;
  return commandLine([
    "attack",
    attack.name,
    ...carried(context, threatModel.knowledge === "transfer" ? [] : ["surrogate"]),
    ...["--threat", constraints.threat.split(";")[0]!],
    ...["--samples", `index:${subject.index}`],
    ...["--seed", String(seed)],
    ...(queries === undefined ? [] : ["--queries", String(queries)]),
    ...settings,
  ]);
}
