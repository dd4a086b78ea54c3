import { forget } from "../../corpus/forget.ts";
import { plural } from "../../report/format.ts";
import { type Given, requireOptions } from "../options.ts";
import { actor, openCatalog, openCorpus } from "./open.ts";

export async function run(options: Given, [prefix]: readonly string[]): Promise<number> {
  const given = requireOptions(options, ["reason"], "corpus forget");
  const corpus = await openCorpus(given);
  const entry = await corpus.find(prefix!);
  const removed = await forget(corpus, entry, actor(given), given.reason, () => openCatalog(given, corpus));
  if (given.json) {
    process.stdout.write(`${JSON.stringify({ id: entry.id, removed }, null, 2)}\n`);
    return 0;
  }
  const lines = [
    `Forgot ${entry.id.slice(0, 12)}: ${plural(removed.length, "input")} removed; a tombstone keeps merges from bringing it back.`,
    ...removed.map((path) => `  ${path}`),
  ];
  if (removed.length > 0)
    lines.push(
      "If this folder is in git, its history still has them. To remove them there, too (this rewrites history):",
      `  git filter-repo --invert-paths ${removed.map((path) => `--path-glob '*${path}'`).join(" ")}`,
    );
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}
