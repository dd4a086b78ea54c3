import { casesOf } from "../../regression/case.ts";
import { replayAll } from "../../regression/observe.ts";
import type { Observation } from "../../regression/schema.ts";
import type { Version } from "../../regression/version.ts";
import { visible } from "../../report/visible.ts";
import { openCorpus } from "../corpus/open.ts";
import { type Given, requireOptions } from "../options.ts";
import { openVersions } from "./open-versions.ts";
import { beginSession } from "./session.ts";

const WRONG: ReadonlySet<Observation["state"]> = new Set(["yields", "yields-other", "seed-fails", "unstable"]);

/** The version, in the order given, in which a sample began to be wrong. Each is asked: a few replays cost less than a wrong guess. */
export async function run(options: Given, [prefix]: readonly string[]): Promise<number> {
  const given = requireOptions(options, ["models"], "bisect");
  const corpus = await openCorpus(given);
  const entry = await corpus.find(prefix!);
  const cases = await casesOf(corpus, [entry]);
  const session = await beginSession(given);
  const opened = await openVersions(given.models, given, corpus, session.options.signal);
  try {
    const answers: { version: Version; observation: Observation }[] = [];
    for (const version of opened.versions) {
      const { replayed } = await replayAll(version, cases.slice(0, 1), {
        corpus,
        ...session.options,
      });
      const [first] = replayed;
      answers.push({
        version,
        observation: first?.observation ?? { state: "error", detail: "nobody has said what its true class is" },
      });
    }
    session.progress.clear();
    const broke = answers.findIndex(
      ({ observation }, i) => WRONG.has(observation.state) && answers[i - 1]?.observation.state === "resists",
    );
    const first = broke < 0 ? null : answers[broke]!.version.name;
    const told = answers.map(({ version: { name }, observation }) => ({ model: name, ...observation }));
    if (given.json)
      process.stdout.write(`${JSON.stringify({ sample: entry.id, broke: first, versions: told }, null, 2)}\n`);
    else process.stdout.write(`${[...told.map(lineOf), conclusion(first, answers)].map(visible).join("\n")}\n`);
    return answers.some(({ observation: { state } }) => state === "error" || state === "incomparable") ? 3 : 0;
  } finally {
    session.end();
    await opened.close();
  }
}

function lineOf({ model, state, predicted, detail }: { model: string } & Observation): string {
  return `  ${model.padEnd(24)} ${state}${predicted === undefined ? "" : ` (${predicted})`}${detail === undefined ? "" : `: ${detail}`}`;
}

function conclusion(first: string | null, answers: readonly { readonly observation: Observation }[]): string {
  if (first !== null) return `Broken by ${first}`;
  if (answers.every(({ observation: { state } }) => state === "resists")) return "No version is wrong about it";
  return WRONG.has(answers[0]!.observation.state)
    ? "The first version is wrong about it already: give an earlier one"
    : "No version broke it after one that resists";
}
