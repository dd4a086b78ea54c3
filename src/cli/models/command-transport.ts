import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { basename } from "node:path";
import { BlindspotError } from "../../base/errors.ts";
import { LARGEST_ANSWER } from "../../models/queried/http-request.ts";
import { jsonRows, type RawAnswer, TransientFailure, type Transport } from "../../models/queried/transport.ts";

/** What a program says on stderr is kept for the message that it failed. */
const STDERR_KEPT = 300;
/** A program that is told to end by the end of its input gets this long. */
const FAREWELL_MS = 1000;

/** Words of a command line; quotes hold words together. No shell reads it: nothing is expanded, piped or substituted. */
export function wordsOf(command: string): string[] {
  return [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare!,
  );
}

/**
 * A program that reads one JSON object a line (`{"inputs": [row, ...]}`) and answers each with one (`{"scores": [[...], ...]}` or `{"labels": [...]}`).
 * @param concurrency programs that run side by side
 */
export function commandTransport(command: string, concurrency: number): Transport {
  const words = wordsOf(command);
  const name = `cmd:${words.map((word) => basename(word)).join(" ")}`;
  const idle: Program[] = [];
  const all = new Set<Program>();
  return {
    kind: "command",
    name,
    ask: async (batch, signal) => {
      const program = idle.pop() ?? start();
      const line = JSON.stringify({ inputs: jsonRows(batch) });
      try {
        const answer = await program.ask(line, signal);
        idle.push(program);
        return answer;
      } catch (error) {
        // Whatever it says now belongs to a question that nobody waits for any more.
        all.delete(program);
        program.kill();
        throw error;
      }
    },
    close: async () => {
      await Promise.all([...all].map((program) => program.close()));
    },
  };

  function start(): Program {
    if (all.size >= concurrency) throw new Error("internal: more programs than requests at once");
    const program = new Program(words, name);
    all.add(program);
    return program;
  }
}

interface Waiting {
  resolve(answer: RawAnswer): void;
  reject(error: unknown): void;
}

class Program {
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly name: string;
  private readonly ended: Promise<void>;
  private waiting: Waiting | null = null;
  private failure: BlindspotError | null = null;
  private line = "";
  private said = "";

  constructor([file = "", ...args]: readonly string[], name: string) {
    this.name = name;
    this.child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], shell: false });
    this.child.stdout.setEncoding("utf8").on("data", (part: string) => this.read(part));
    this.child.stderr.setEncoding("utf8").on("data", (part: string) => {
      this.said = (this.said + part).slice(-STDERR_KEPT);
    });
    // A program that has ended does not take the rest of a line.
    this.child.stdin.on("error", () => {});
    this.ended = new Promise((resolve) => {
      this.child.on("close", (code, signal) => {
        this.fail(this.gone(code === null ? `signal ${signal}` : `exit code ${code}`));
        resolve();
      });
      this.child.on("error", (error) => {
        this.fail(
          new BlindspotError(
            { code: "E_COMMAND", subject: name, got: error.message, hint: "Is it installed, and on the PATH?" },
            { cause: error },
          ),
        );
        resolve();
      });
    });
  }

  ask(line: string, signal: AbortSignal): Promise<RawAnswer> {
    if (this.failure !== null) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      signal.addEventListener("abort", () => this.fail(this.gone("no answer in time")), { once: true });
      this.child.stdin.write(`${line}\n`);
    });
  }

  kill(): void {
    this.child.kill("SIGKILL");
  }

  async close(): Promise<void> {
    this.child.stdin.end();
    const timer = setTimeout(() => this.kill(), FAREWELL_MS);
    await this.ended;
    clearTimeout(timer);
  }

  private read(part: string): void {
    const end = part.indexOf("\n");
    this.line += end < 0 ? part : part.slice(0, end);
    if (this.line.length > LARGEST_ANSWER)
      this.fail(this.wrong("E_ANSWER_SIZE", `a line of at most ${LARGEST_ANSWER} characters`, "more"));
    else if (end >= 0) {
      const { line } = this;
      this.line = "";
      this.answer(line, part.length > end + 1);
    }
  }

  private answer(line: string, more: boolean): void {
    const { waiting } = this;
    const answer = parsed(line);
    if (waiting === null || more)
      this.fail(this.wrong("E_ANSWER", "one line for each request", "more lines than requests"));
    else if (answer === null)
      this.fail(
        this.wrong("E_ANSWER_JSON", "a line with one JSON object", `${line.length} characters of something else`),
      );
    else {
      this.waiting = null;
      waiting.resolve(answer);
    }
  }

  private fail(error: BlindspotError): void {
    this.failure ??= error;
    this.waiting?.reject(this.failure);
    this.waiting = null;
  }

  private gone(got: string): TransientFailure {
    const said = this.said.replace(/[\p{C}\s]+/gu, " ").trim();
    return new TransientFailure({
      code: "E_COMMAND",
      subject: this.name,
      expected: "an answer",
      got: said === "" ? got : `${got}, after it said: ${said}`,
    });
  }

  private wrong(code: string, expected: string, got: string): BlindspotError {
    const hint =
      code === "E_ANSWER_SIZE" ? {} : { hint: "Let it print answers alone on stdout, and everything else on stderr" };
    return new BlindspotError({ code, subject: this.name, expected, got, ...hint }, { exitCode: 3 });
  }
}

function parsed(line: string): RawAnswer | null {
  try {
    const answer: unknown = JSON.parse(line);
    return typeof answer === "object" ? answer : null;
  } catch {
    return null;
  }
}
