import type { CommanderError } from "commander";
import { BlindspotError, type ExitCode } from "../base/errors.ts";

/** Exit codes: 0 done, 1 a stated gate failed, 2 usage or unreadable input, 3 not evaluated, 130 interrupted. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof BlindspotError ? error.exitCode : 2;
}

/** One message. A mistake of ours asks to be reported; the stack is for --debug. */
export function messageOf(error: unknown, debug: boolean): string {
  const stack = debug && error instanceof Error ? `\n${error.stack ?? ""}` : "";
  if (error instanceof BlindspotError) return `${error.message}${stack}`;
  const text = error instanceof Error ? error.message : String(error);
  const hint = debug ? "" : "\nThis should not happen. Run it again with --debug, and please report it.";
  return `E_UNEXPECTED ${text}${hint}${stack}`;
}

/** What commander throws, in our words; null where it only printed help or the version. */
export function usageError(error: CommanderError): BlindspotError | null {
  if (error.exitCode === 0 || error.code === "commander.help") return null;
  const text = error.message.replace(/^error: /, "").replaceAll("\n", " ");
  return new BlindspotError({ code: "E_USAGE", subject: "blindspot", got: text, hint: "See blindspot --help" });
}
