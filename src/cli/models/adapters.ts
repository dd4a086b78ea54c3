import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { BlindspotError, type Problem } from "../../base/errors.ts";
import { type ClassifierFunction, functionTransport } from "../../models/queried/function-transport.ts";
import type { HttpTarget } from "../../models/queried/http-request.ts";
import { jsonTransport, parseTemplate, type RowForms } from "../../models/queried/json-template.ts";
import { inferenceTransport, modelUrl, readMetadata } from "../../models/queried/open-inference.ts";
import { moderationTransport } from "../../models/queried/openai-moderation.ts";
import { withinTime } from "../../models/queried/patience.ts";
import type { Transport } from "../../models/queried/transport.ts";
import { type Given, longFlag } from "../options.ts";
import { commandTransport } from "./command-transport.ts";
import { MODULE } from "./is-queried.ts";
import { endpointUrl, headersOf, isLoopback, requireAuthorized } from "./secrets.ts";

/** The way to a target, and what is known of it before it is asked. */
export interface Reached {
  readonly transport: Transport;
  /** What answers depend on, beside the inputs: a journal of another identity is not read. */
  readonly identity: unknown;
  /** Somebody else's machine. */
  readonly remote: boolean;
  /** Rows of a request, unless the user says otherwise; `fixed`: no others are possible. */
  readonly requestRows: { readonly default: number; readonly fixed: boolean };
  readonly concurrency: number;
  /** The shape of the whole input, batch first, where the target declares one. */
  readonly declared: readonly (number | string)[] | null;
  /** It takes whole numbers of 0..255. */
  readonly bytes: boolean;
  /** Null where only its answers show it. */
  readonly output: "scores" | "label" | null;
  readonly classes: readonly string[] | null;
}

const LOCAL = { remote: false, declared: null, bytes: false, output: null, classes: null } as const;

/** What the data has to send. */
export interface Sends {
  readonly takes: "numbers" | "texts";
  readonly forms: RowForms;
  readonly classes: readonly string[] | null;
}

export async function reach(
  given: Given & { readonly model: string },
  { takes, forms, classes }: Sends,
  timeoutMs: number,
): Promise<Reached> {
  const { model, adapter } = given;
  const http = /^https?:/.test(model);
  const misplaced = (["adapter", "bearer", "header", "authorized"] as const).filter(
    (name) => given[name] !== undefined,
  );
  if (!http && misplaced.length > 0)
    throw new BlindspotError(
      misplaced.map((name) => ({
        code: "E_OPTION",
        subject: `--${name}`,
        expected: "an endpoint: --model http://... or https://...",
      })),
    );
  if (model.startsWith("cmd:")) return reachCommand(model.slice("cmd:".length), given.concurrency ?? 1);
  if (!http) return reachFunction(model);
  const url = endpointUrl(model);
  requireAuthorized(url, given.authorized);
  const headers = headersOf(given, process.env);
  const remote = !isLoopback(url);
  const target = { url: model, headers };
  if (adapter === "kserve")
    return reachInference({ ...target, url: modelUrl(model) }, given.output, remote, timeoutMs, takes);
  if (adapter?.startsWith("json:")) return reachJson(target, adapter.slice("json:".length), given, forms, remote);
  if (adapter === "openai-moderation") return reachModeration(target, takes, classes, remote);
  throw new BlindspotError({
    code: "E_ADAPTER",
    subject: "--adapter",
    expected: "kserve (Open Inference Protocol, version 2), openai-moderation, or json:FILE",
    got: adapter === undefined ? "none, for an endpoint" : `'${adapter}'`,
  });
}

async function reachFunction(model: string): Promise<Reached> {
  const [, file = "", name = "default"] = MODULE.exec(model)!;
  const refuse = (expected: string, got: string, cause?: unknown) =>
    new BlindspotError({ code: "E_FUNCTION", subject: `--model ${model}`, expected, got }, { cause });
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
  } catch (error) {
    throw refuse("a module", error instanceof Error ? error.message : String(error), error);
  }
  const classify = module[name];
  if (typeof classify !== "function")
    throw refuse(`FILE#EXPORT, where EXPORT is a function`, `exports ${Object.keys(module).join(", ") || "nothing"}`);
  const transport = functionTransport(classify as ClassifierFunction, `${basename(file)}#${name}`);
  return { ...LOCAL, transport, identity: model, requestRows: { default: 64, fixed: false }, concurrency: 1 };
}

function reachCommand(command: string, concurrency: number): Reached {
  if (command.trim() === "")
    throw new BlindspotError({
      code: "E_COMMAND",
      subject: "--model cmd:",
      expected: "a program: cmd:'python3 model.py'",
    });
  const transport = commandTransport(command, concurrency);
  return { ...LOCAL, transport, identity: command, requestRows: { default: 64, fixed: false }, concurrency: 1 };
}

async function reachInference(
  target: HttpTarget,
  output: string | undefined,
  remote: boolean,
  timeoutMs: number,
  takes: "numbers" | "texts",
): Promise<Reached> {
  const metadata = await withinTime(timeoutMs, target.url, (signal) => readMetadata(target, output, signal, takes));
  return {
    transport: inferenceTransport(target, metadata),
    identity: { url: target.url, metadata },
    remote,
    requestRows: { default: 16, fixed: false },
    concurrency: 4,
    declared: takes === "texts" ? null : metadata.input.shape,
    bytes: metadata.input.datatype === "UINT8",
    output: metadata.output.gives,
    classes: null,
  };
}

async function reachJson(
  target: HttpTarget,
  file: string,
  given: Given,
  forms: RowForms,
  remote: boolean,
): Promise<Reached> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new BlindspotError(
      { code: "E_ADAPTER", subject: file, expected: "a JSON file", got: (error as Error).message },
      { cause: error },
    );
  }
  const template = parseTemplate(value, file, forms);
  if (template.place === "$image") refuseForImages(given);
  return {
    transport: jsonTransport(target, template, forms),
    identity: { url: target.url, template: value },
    remote,
    requestRows: template.several ? { default: 16, fixed: false } : { default: 1, fixed: true },
    concurrency: 4,
    declared: null,
    bytes: false,
    output: template.scores === null ? "label" : null,
    classes: template.classes,
  };
}

/** What changes the numbers that a target takes: a file holds the image itself. */
const OF_NUMBERS = ["inputRange", "mean", "std", "channels", "layout", "shape"] as const;

function refuseForImages(given: Given): void {
  const problems = OF_NUMBERS.filter((name) => given[name] !== undefined).map((name) => ({
    code: "E_OPTION",
    subject: longFlag(name),
    expected: "a template with $input or $inputs",
    got: "$image: the target receives a file, and prepares it itself",
  }));
  if (problems.length > 0) throw new BlindspotError(problems);
}

function reachModeration(
  target: HttpTarget,
  takes: Sends["takes"],
  classes: readonly string[] | null,
  remote: boolean,
): Reached {
  const problems: Problem[] = [];
  const subject = "--adapter openai-moderation";
  if (takes !== "texts") problems.push({ code: "E_ADAPTER", subject, expected: "data of texts", got: "numbers" });
  if (classes === null)
    problems.push({ code: "E_CLASSES", subject, expected: "class names", hint: "--classes fine,flagged" });
  if (problems.length > 0) throw new BlindspotError(problems);
  return {
    transport: moderationTransport(target, classes!),
    identity: { url: target.url, adapter: "openai-moderation" },
    remote,
    requestRows: { default: 16, fixed: false },
    concurrency: 4,
    declared: null,
    bytes: false,
    output: "scores",
    classes: null,
  };
}
