import { BlindspotError, type Problem } from "../../base/errors.ts";
import type { Given } from "../options.ts";

/** Parameters of an address that usually hold a secret; an address is stored with the result. */
const SECRET_PARAMETER = /^(.*[-_.])?(key|token|secret|sig|signature|password|passwd|auth)$/i;
const HEADER_NAME = /^[!#$%&'*+.^_`|~\w-]+$/;

/**
 * Headers whose values come from environment variables: they are on no command line, in no configuration, and in nothing that is written. What
 * was typed is not repeated in messages: it may be the secret itself.
 */
export function headersOf(
  { bearer, header = [] }: Pick<Given, "bearer" | "header">,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const problems: Problem[] = [];
  const headers: Record<string, string> = {};
  const secretOf = (option: string, variable: string): string => {
    const value = environment[variable];
    if (value !== undefined && value.trim() !== "") return value.trim();
    problems.push({
      code: "E_SECRET",
      subject: option,
      expected: "the name of an environment variable that holds the secret",
      got: "one that is not set",
    });
    return "";
  };
  if (bearer !== undefined) headers["authorization"] = `Bearer ${secretOf("--bearer", bearer)}`;
  for (const assignment of header) {
    const [name = "", variable = ""] = assignment.split("=");
    if (!HEADER_NAME.test(name) || variable === "")
      problems.push({
        code: "E_SECRET",
        subject: "--header",
        expected: "NAME=VARIABLE, such as x-api-key=MODEL_KEY",
        got: "something else",
      });
    else headers[name.toLowerCase()] = secretOf(`--header ${name}`, variable);
  }
  if (problems.length > 0) throw new BlindspotError(problems);
  return headers;
}

/** The address of an endpoint, with nothing in it that must not be stored. */
export function endpointUrl(text: string): URL {
  const refuse = (expected: string, got: string, hint?: string) =>
    new BlindspotError({
      code: "E_MODEL_URL",
      subject: "--model",
      expected,
      got,
      ...(hint === undefined ? {} : { hint }),
    });
  if (!URL.canParse(text)) throw refuse("an address such as https://host/v2/models/name", "something else");
  const url = new URL(text);
  const hint = "Put it into an environment variable, and name that: --bearer VARIABLE, or --header NAME=VARIABLE";
  if (url.username !== "" || url.password !== "") throw refuse("an address without a password", "one with it", hint);
  const secret = [...url.searchParams.keys()].find((name) => SECRET_PARAMETER.test(name));
  if (secret !== undefined) throw refuse("an address without secrets", `a parameter '${secret}'`, hint);
  return url;
}

/** Whether an endpoint is on this machine: only then may it be attacked without anybody's permission. */
export function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** Throws `E_AUTHORIZED` where somebody else's endpoint would be attacked without a stated permission. */
export function requireAuthorized(url: URL, authorized: string | undefined): void {
  if (isLoopback(url) || authorized !== undefined) return;
  throw new BlindspotError({
    code: "E_AUTHORIZED",
    subject: `--model ${url.origin}`,
    expected: '--authorized "REFERENCE": the permission to attack this endpoint (a contract, a ticket, a program)',
    got: "none, for an endpoint that is not on this machine",
    hint: "It is stored in the result. Ask the owner first; the provider's terms may forbid it",
  });
}
