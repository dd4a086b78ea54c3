import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/**
 * The PyTorch side of a benchmark, kept running so that both sides can take turns. `python` is one that has torch and the peers
 * (bench/README.md says how to get it).
 */
export function startPeer(python, { threads = 2, server = "server.py" } = {}) {
  const script = fileURLToPath(new URL(`./peers/${server}`, import.meta.url));
  const child = spawn(python, [script], {
    stdio: ["pipe", "pipe", "ignore"],
    env: { ...process.env, BENCH_THREADS: String(threads) },
  });
  const waiting = [];
  createInterface({ input: child.stdout }).on("line", (line) => waiting.shift()?.resolve(JSON.parse(line)));
  child.on("exit", (code) => {
    for (const { reject } of waiting) reject(new Error(`the peer ended with ${code}`));
  });
  return {
    async ask(command) {
      const answer = await new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify(command)}\n`);
      });
      if (answer.error !== undefined) throw new Error(`peer: ${answer.error}`);
      return answer;
    },
    stop: () => child.stdin.end(),
  };
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** `--key value` pairs; anything else is an error. */
export function readOptions(defaults) {
  const options = { ...defaults };
  for (let i = 2; i < process.argv.length; i += 2) {
    const key = process.argv[i]?.replace(/^--/, "");
    if (!(key in defaults) || process.argv[i + 1] === undefined) {
      console.error(
        `usage: ${Object.entries(defaults)
          .map(([name, value]) => `--${name} ${value ?? "…"}`)
          .join(" ")}`,
      );
      process.exit(2);
    }
    options[key] = process.argv[i + 1];
  }
  return options;
}

/** Prints a result without its raw times; with a path, keeps it whole as JSON. */
export function report(result, out) {
  console.log(JSON.stringify({ ...result, times: undefined }, null, 2));
  if (out === undefined) return;
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, `${JSON.stringify(result, null, 2)}\n`);
}
