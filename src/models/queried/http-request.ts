import { BlindspotError, type Problem } from "../../base/errors.ts";
import { TransientFailure } from "./transport.ts";

/** Where and how a target is reached over HTTP. */
export interface HttpTarget {
  readonly url: string;
  /** Sent with each request, and never written anywhere. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Answers are numbers: a few megabytes are plenty, and a hostile endpoint sends no more than this. */
export const LARGEST_ANSWER = 16 * 2 ** 20;
/** What is shown of a server's own words. */
const SHOWN = 200;

/**
 * One request, and the JSON that answers it. Redirects are not followed, since they could lead a request and its secrets elsewhere.
 * Throws `TransientFailure` for 408, 425, 429, 5xx, lost connections and answers that were cut short.
 */
export async function requestJson(
  { url, headers }: HttpTarget,
  signal: AbortSignal,
  body?: unknown,
  path = "",
): Promise<unknown> {
  const address = path === "" ? url : withPath(url, path);
  const subject = shownUrl(address);
  let response: Response;
  let text: string;
  try {
    response = await fetch(address, {
      method: body === undefined ? "GET" : "POST",
      headers: {
        accept: "application/json",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "manual",
      signal,
    });
    text = await readText(response, subject);
  } catch (error) {
    if (error instanceof BlindspotError) throw error;
    const cause = (error as { cause?: { code?: string } }).cause?.code;
    throw new TransientFailure(
      {
        code: "E_CONNECTION",
        subject,
        got: cause ?? "the connection was lost",
        hint: "Is it running, and reachable from here?",
      },
      { cause: error },
    );
  }
  if (response.status >= 300 && response.status < 400) throw redirected(subject, response);
  if (!response.ok) throw refused(subject, response, text, headers);
  return parseAnswer(subject, response, text);
}

/** Without query and credentials, which may hold secrets. */
export function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

function withPath(url: string, path: string): string {
  const full = new URL(url);
  full.pathname = `${full.pathname.replace(/\/$/, "")}${path}`;
  return full.href;
}

async function readText(response: Response, subject: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  const reader = response.body?.getReader();
  if (reader === undefined) return text;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    size += part.value.byteLength;
    if (size > LARGEST_ANSWER) {
      await reader.cancel();
      throw new BlindspotError(
        { code: "E_ANSWER_SIZE", subject, expected: `at most ${LARGEST_ANSWER} bytes`, got: "more" },
        { exitCode: 3 },
      );
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return text + decoder.decode();
}

function redirected(subject: string, response: Response): BlindspotError {
  const location = response.headers.get("location") ?? "";
  const to = URL.canParse(location, subject) ? shownUrl(new URL(location, subject).href) : "elsewhere";
  return new BlindspotError({
    code: "E_HTTP_REDIRECT",
    subject,
    got: `a redirect (${response.status}) to ${to}`,
    hint: "Give that address with --model, if it is the one you mean",
  });
}

const TRANSIENT = new Set([408, 425, 429]);
const HINTS: Readonly<Record<number, string>> = {
  401: "Give a token: --bearer VARIABLE, or --header NAME=VARIABLE",
  403: "Give a token: --bearer VARIABLE, or --header NAME=VARIABLE",
  404: "Look at the path of --model",
  429: "Ask more slowly: --rate PER_SECOND",
};

function refused(subject: string, response: Response, text: string, headers: HttpTarget["headers"]): BlindspotError {
  const { status } = response;
  const says = serverMessage(text, Object.values(headers));
  const hint = HINTS[status];
  const problem: Problem = {
    code: "E_HTTP",
    subject,
    got: `status ${status}${says === "" ? "" : ` (${says})`}`,
    ...(hint === undefined ? {} : { hint }),
  };
  if (!TRANSIENT.has(status) && status < 500) return new BlindspotError(problem, { exitCode: 3 });
  return new TransientFailure(problem, { retryAfterMs: retryAfterMs(response.headers.get("retry-after")) });
}

/** `Retry-After`: seconds, or a date. */
export function retryAfterMs(value: string | null, now = Date.now()): number | null {
  if (value === null) return null;
  const seconds = /^\d+(\.\d+)?$/.test(value.trim()) ? Number(value) : (Date.parse(value) - now) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, 1000 * seconds) : null;
}

/** The `error` or `message` of a refusal in JSON: short, on one line, without control characters and without what we sent as a secret. */
function serverMessage(text: string, secrets: readonly string[]): string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return "";
  }
  if (typeof body !== "object" || body === null) return "";
  const { error, message } = body as { error?: unknown; message?: unknown };
  const said = [error, message].find((part) => typeof part === "string") as string | undefined;
  if (said === undefined) return "";
  const parts = secrets.flatMap((secret) => [secret, ...secret.split(/\s+/)]).filter((part) => part.length > 3);
  const hidden = parts.reduce((words, secret) => words.replaceAll(secret, "***"), said);
  return hidden
    .replace(/[\p{C}\s]+/gu, " ")
    .trim()
    .slice(0, SHOWN);
}

function parseAnswer(subject: string, response: Response, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const type = response.headers.get("content-type")?.split(";")[0]?.slice(0, 40) ?? "no content type";
    const problem = { code: "E_ANSWER_JSON", subject, expected: "JSON", got: `${text.length} characters of ${type}` };
    // Python's json writes numbers that JSON does not have; they will come again.
    const number = /[[:,\s](NaN|-?Infinity)\b/.exec(text)?.[1];
    if (number !== undefined)
      throw new BlindspotError({ ...problem, got: `${number} among the numbers` }, { exitCode: 3, cause: error });
    // JSON that does not end was cut short on its way; a page of HTML will be one again.
    if (type.includes("json")) throw new TransientFailure(problem, { cause: error });
    throw new BlindspotError(problem, { exitCode: 3, cause: error });
  }
}
