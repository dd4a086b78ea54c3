import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { plain } from "../corpus/read.ts";

/** What a process may take. */
export interface Confinement {
  /** Resident memory, of the model too. */
  readonly memoryBytes: number;
  /** By `Date.now`. */
  readonly deadline: number;
  readonly signal: AbortSignal;
}

/** Why a process ended before it had said all; `crash` with its last words. */
export type EarlyEnd =
  | { readonly why: "memory" }
  | { readonly why: "time" }
  | { readonly why: "interrupted" }
  | { readonly why: "crash"; readonly said: string };

/** What the watching thread says before it ends the process. */
export const MEMORY_MARK = "\nmemory limit\n";
const STDERR_KEPT = 400;
const MIB = 2 ** 20;

/** Where built modules are, also where this one runs from its source. */
const BUILT = new URL(import.meta.url.endsWith(".ts") ? "../../dist/cli/" : "./", import.meta.url);

/**
 * Runs a program of ours, a built module beside this one, in a process of its own, where files that may be hostile are opened: it can neither take more memory nor
 * more time than allowed, and if it falls, this process stands. `take` gets its messages one at a time; the next is sent when that returns.
 * @returns null if it ended by itself
 */
export function confined<Message>(
  program: string,
  job: unknown,
  { memoryBytes, deadline, signal }: Confinement,
  take: (message: Message) => Promise<void>,
): Promise<EarlyEnd | null> {
  const child = fork(fileURLToPath(new URL(program, BUILT)), [String(memoryBytes)], {
    execArgv: [`--max-old-space-size=${Math.max(64, Math.floor(memoryBytes / MIB))}`],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let said = "";
  let tooMuch = false;
  child.stderr!.setEncoding("utf8").on("data", (part: string) => {
    said = (said + part).slice(-STDERR_KEPT);
    // The engine's own word for it comes before a long trace.
    tooMuch ||= said.includes(MEMORY_MARK) || said.includes("heap out of memory");
  });
  let killed: "time" | "interrupted" | null = null;
  const kill = (why: "time" | "interrupted") => {
    killed ??= why;
    child.kill("SIGKILL");
  };
  const interrupted = () => kill("interrupted");
  const timer = setTimeout(() => kill("time"), Math.max(0, deadline - Date.now()));
  if (signal.aborted) interrupted();
  else signal.addEventListener("abort", interrupted, { once: true });
  return new Promise<EarlyEnd | null>((resolve, reject) => {
    let failure: { readonly error: unknown } | null = null;
    // What was sent before the end is taken before the end is told.
    let taken = Promise.resolve();
    child.on("message", (message) => {
      taken = taken.then(async () => {
        if (failure !== null) return;
        try {
          await take(message as Message);
          if (child.connected) child.send("next", () => {});
        } catch (error) {
          failure = { error };
          child.kill("SIGKILL");
        }
      });
    });
    child.on("error", reject);
    child.on("close", (code) =>
      taken.then(() => {
        if (failure !== null) reject(failure.error);
        else if (code === 0) resolve(null);
        else if (killed !== null) resolve({ why: killed });
        else if (tooMuch) resolve({ why: "memory" });
        else resolve({ why: "crash", said: plain(said.trim() || `exit code ${code}`) });
      }, reject),
    );
    child.send(job as object, () => {});
  }).finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", interrupted);
  });
}

/** In the confined process: begins to watch its memory, by the limit that it was started with. */
export function watchMemory(): void {
  new Worker(new URL("./memory-watch.js", import.meta.url), {
    workerData: { limit: Number(process.argv[2]) },
    execArgv: [],
  }).unref();
}
