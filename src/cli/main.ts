#!/usr/bin/env node
// ONNX Runtime reads this once, when its library is loaded: nothing may come before it.
process.env["ORT_DISABLE_TELEMETRY"] = "1";

import { Command, CommanderError } from "commander";
import { COMMANDS, GROUPS } from "./commands.ts";
import { readConfig } from "./config.ts";
import { exitCodeOf, messageOf, usageError } from "./failure.ts";
import type { OptionSpec } from "./option-readers.ts";
import { type Given, longFlag, OPTIONS, type OptionName, readOptions } from "./options.ts";
import { version } from "./version.ts";

function addOption(command: Command, name: OptionName): void {
  const spec: OptionSpec<unknown> = OPTIONS[name];
  const collect = (value: string, before: string[] | undefined) => [...(before ?? []), value];
  if (spec.repeatable) command.option(spec.flags, spec.description, collect);
  else command.option(spec.flags, spec.description);
}

/** Commander names `--save <dir>` and `--save` alike; the table tells them apart. */
function rawOptions(command: Command, allowed: readonly OptionName[]): Record<string, unknown> {
  const typed = command.opts();
  return Object.fromEntries(
    allowed.flatMap((name) => {
      const key = longFlag(name)
        .replace(/^--(no-)?/, "")
        .replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
      // A flag that was not typed must not override the config file: commander says true for every `--no-`.
      const isDefault = command.getOptionValueSource(key) === "default";
      return typed[key] === undefined || isDefault ? [] : [[name, typed[key]]];
    }),
  );
}

/** What goes wrong is told by us, in one place. */
function quiet(command: Command): Command {
  return command.exitOverride().configureOutput({ writeErr: () => {} });
}

/** A group alone prints its help: commander takes that for an error. */
function group(command: Command): Command {
  const writeErr = (text: string) => void process.stdout.write(text);
  return command.exitOverride().configureOutput({ outputError: () => {}, writeErr });
}

/** `corpus ls` is the command `ls` of the group `corpus`. */
function placeOf(name: string, program: Command, groups: ReadonlyMap<string, Command>) {
  const space = name.indexOf(" ");
  const parent = groups.get(name.slice(0, Math.max(0, space)));
  return parent === undefined ? { parent: program, name } : { parent, name: name.slice(space + 1) };
}

function buildProgram(): Command {
  const program = quiet(new Command("blindspot"))
    .description("Finds a classifier's blind spots, proves them, and measures how far it can be trusted.")
    .version(version())
    .showSuggestionAfterError();
  const groups = new Map(
    Object.entries(GROUPS).map(([name, about]) => [name, group(program.command(name).description(about))]),
  );
  for (const definition of COMMANDS) {
    const { parent, name } = placeOf(definition.name, program, groups);
    const command = quiet(parent.command(name).description(definition.summary));
    for (const name of [...definition.options, "config", "debug"] as const) addOption(command, name);
    command.addHelpText(
      "after",
      `\nExamples:\n${definition.examples.map((line) => `  $ blindspot ${line}`).join("\n")}`,
    );
    command.action(async () => {
      const allowed = [...definition.options, "config", "debug"] as const;
      const typed = readOptions(rawOptions(command, allowed), allowed, (name) => longFlag(name));
      const { typedOnly = [] } = definition;
      const configured = allowed.filter((name) => !typedOnly.some((other) => other === name));
      const given: Given = { ...(await readConfig(typed.config, configured)), ...typed };
      const { run } = await definition.load();
      process.exitCode = await run(given, command.args);
    });
  }
  return program;
}

async function main(): Promise<void> {
  const debug = process.argv.includes("--debug");
  try {
    if (process.argv.length <= 2) process.stdout.write(buildProgram().helpInformation());
    else await buildProgram().parseAsync();
  } catch (error) {
    const known = error instanceof CommanderError ? usageError(error) : error;
    if (known === null) return;
    process.stderr.write(`${messageOf(known, debug)}\n`);
    process.exitCode = exitCodeOf(known);
  }
}

await main();
// Worker threads of the runtime must not keep a finished command alive; output that is still in a pipe must get through.
process.stdout.write("", () => process.stderr.write("", () => process.exit()));
