import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { BlindspotError } from "../base/errors.ts";
import { type Given, OPTIONS, type OptionName, readOptions } from "./options.ts";

const DEFAULT_NAMES = ["blindspot.config.json", "blindspot.config.mjs", "blindspot.config.ts"];

/** Keys of config files that are no options: the deployment, as the risk formula takes it, and the policy of the gate. Each is read by its user. */
const OBJECTS = ["risk", "gate"] as const;
/** Commands that take an object take this option. */
const TAKEN_WITH = { risk: "exposure", gate: "failOn" } as const satisfies Record<(typeof OBJECTS)[number], OptionName>;

/**
 * Options from a config file: the one named, or the first default name in the working folder, or none. Keys are those of the option
 * table, `risk` and `gate`; options that other commands take are allowed and ignored.
 */
export async function readConfig(path: string | undefined, allowed: readonly OptionName[]): Promise<Given> {
  const file = path ?? DEFAULT_NAMES.find((name) => existsSync(name));
  if (file === undefined) return {};
  const whole = await loadObject(file);
  const raw = Object.fromEntries(Object.entries(whole).filter(([key]) => !OBJECTS.some((name) => name === key)));
  const unknown = Object.keys(raw).filter((key) => !Object.hasOwn(OPTIONS, key));
  if (unknown.length > 0)
    throw new BlindspotError(
      unknown.map((key) => ({
        code: "E_CONFIG_KEY",
        subject: file,
        where: key,
        expected: `one of ${[...Object.keys(OPTIONS), ...OBJECTS].join(", ")}`,
      })),
    );
  const objects = OBJECTS.filter((name) => whole[name] !== undefined);
  for (const where of objects)
    if (!isObject(whole[where]))
      throw new BlindspotError({ code: "E_CONFIG", subject: file, where, expected: "an object" });
  const options = readOptions(raw, allowed, (name) => `${file}: ${name}`);
  const wanted = objects.filter((name) => allowed.includes(TAKEN_WITH[name]));
  return { ...options, ...Object.fromEntries(wanted.map((name) => [name, whole[name]])) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object that a .json file holds, or that an .mjs file exports by default. */
export async function loadObject(file: string): Promise<Record<string, unknown>> {
  let value: unknown;
  try {
    value =
      extname(file) === ".json"
        ? JSON.parse(await readFile(file, "utf8"))
        : ((await import(pathToFileURL(resolve(file)).href)) as { default?: unknown }).default;
  } catch (error) {
    const hint = file.endsWith(".ts") ? "This Node can't read .ts files: use .mjs or .json" : undefined;
    throw new BlindspotError(
      { code: "E_CONFIG", subject: file, got: (error as Error).message, ...(hint === undefined ? {} : { hint }) },
      { cause: error },
    );
  }
  if (isObject(value)) return value;
  throw new BlindspotError({ code: "E_CONFIG", subject: file, expected: "an object of options (the default export)" });
}
