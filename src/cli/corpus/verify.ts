import { verify } from "../../corpus/verify.ts";
import { plural } from "../../report/format.ts";
import type { Given } from "../options.ts";
import { openCorpus } from "./open.ts";

export async function run(given: Given): Promise<number> {
  const corpus = await openCorpus(given);
  const verified = await verify(corpus);
  const { samples, inputs, problems, leftovers, notUnderstood } = verified;
  if (given.json) process.stdout.write(`${JSON.stringify(verified, null, 2)}\n`);
  else {
    const lines = [
      ...problems.map(({ path, problem }) => `damaged: ${path}: ${problem}`),
      ...leftovers.map(({ path, problem }) => `left over: ${path}: ${problem}`),
      ...notUnderstood.map((path) => `not understood: ${path}`),
      `${plural(samples, "sample")}, ${plural(inputs, "input")}: ${problems.length === 0 ? "all whole" : `${problems.length} damaged`}`,
    ];
    if (problems.length > 0)
      lines.push("What is damaged is never used. git checkout brings a file back; storing the same input again, too.");
    process.stdout.write(`${lines.join("\n")}\n`);
  }
  return problems.length === 0 ? 0 : 1;
}
