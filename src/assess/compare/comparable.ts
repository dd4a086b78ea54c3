import type { Knowledge } from "../../attacks/attack.ts";
import { BlindspotError, type Problem } from "../../base/errors.ts";
import type { ProfileResult, Result, SampleLine, SurrogateFacts, ThreatResult } from "../schema.ts";
import type { StoredRun } from "../store.ts";

/** A threat of both runs, with the profiles that both have. */
export interface CommonThreat {
  readonly before: ThreatResult;
  readonly after: ThreatResult;
  readonly profiles: readonly ProfileResult[];
}

export interface Common {
  readonly threats: readonly CommonThreat[];
  /** What only one of the runs has, in sentences. */
  readonly notCompared: readonly string[];
}

/**
 * What two runs have in common. Throws E_INCOMPARABLE (exit code 3), with every reason, where a difference between them could come from anything
 * but the models: other samples, another attacker, another effort.
 */
export function commonOf(before: StoredRun, after: StoredRun): Common {
  const reasons: Problem[] = [];
  const differ = (where: string, expected: unknown, got: unknown) =>
    reasons.push({
      code: "E_INCOMPARABLE",
      subject: "the second run",
      where,
      expected: `${String(expected)}, as in the first`,
      got: String(got),
    });
  compareFacts(before.result, after.result, differ);
  compareLines(before, after, differ);
  const { threats, notCompared } = commonThreats(before.result, after.result, differ);
  if (reasons.length > 0)
    throw new BlindspotError(
      reasons.map((reason, i) =>
        i === 0 ? { ...reason, hint: "Run assess on both models with the same data and options" } : reason,
      ),
      { exitCode: 3 },
    );
  return { threats, notCompared };
}

type Differ = (where: string, expected: unknown, got: unknown) => void;

function compareFacts(before: Result, after: Result, differ: Differ): void {
  const facts: [string, (result: Result) => unknown][] = [
    ["data", ({ data }) => `${data.spec} (SHA-256 ${data.sha256.slice(0, 12)})`],
    ["draw", ({ data, seed }) => `${data.draw}, seed ${seed}`],
    ["classes", ({ model }) => model.classes.join(", ")],
    ["input", ({ model }) => model.dims.join("x")],
    ["--queries", ({ options }) => options["queries"] ?? "no limit"],
  ];
  // A file may lie elsewhere by now: the hash decides.
  const same = (one: unknown, other: unknown, name: string) =>
    name === "data" ? before.data.sha256 === after.data.sha256 : one === other;
  for (const [name, of] of facts) if (!same(of(before), of(after), name)) differ(name, of(before), of(after));
}

/** The place of a line in its run. */
export function lineKey({ threat, index }: Pick<SampleLine, "threat" | "index">): string {
  return `${index} ${threat}`;
}

function compareLines(before: StoredRun, after: StoredRun, differ: Differ): void {
  const shared = (run: StoredRun, other: StoredRun) => {
    const threats = new Set(other.result.threats.map(({ id }) => id));
    return new Map(run.samples.filter(({ threat }) => threats.has(threat)).map((line) => [lineKey(line), line]));
  };
  const [one, other] = [shared(before, after), shared(after, before)];
  const missing = [...one.keys()].filter((key) => !other.has(key)).length;
  const more = [...other.keys()].filter((key) => !one.has(key)).length;
  if (missing + more > 0)
    differ("samples", "the same samples, all finished", `${missing} that it lacks, ${more} that only it has`);
  const pairs = [...one].flatMap(([key, line]) => (other.has(key) ? [[line, other.get(key)!] as const] : []));
  const labels = pairs.filter(([a, b]) => a.label !== b.label).length;
  if (labels > 0) differ("labels", "the same labels", `${labels} samples with another label`);
  const inputs = pairs.filter(([a, b]) => a.input !== undefined && b.input !== undefined && a.input !== b.input).length;
  if (inputs > 0) differ("inputs", "the same inputs", `${inputs} samples whose values were read differently`);
}

function commonThreats(before: Result, after: Result, differ: Differ): Common {
  const notCompared: string[] = [];
  const only = (what: string, version: string) => notCompared.push(`${what}: only ${version} was attacked so`);
  const threats: CommonThreat[] = [];
  for (const threat of before.threats) {
    const other = after.threats.find(({ id }) => id === threat.id);
    if (other === undefined) {
      only(threat.id, "the first version");
      continue;
    }
    const find = ({ profiles }: ThreatResult, knowledge: Knowledge) =>
      profiles.find((profile) => profile.knowledge === knowledge);
    const profiles = threat.profiles.filter((profile) => {
      const counterpart = find(other, profile.knowledge);
      if (counterpart === undefined) only(`${profile.knowledge} under ${threat.id}`, "the first version");
      else compareEffort(profile, counterpart, threat.id, differ);
      return counterpart !== undefined;
    });
    for (const { knowledge } of other.profiles)
      if (find(threat, knowledge) === undefined) only(`${knowledge} under ${threat.id}`, "the second version");
    if (profiles.some(({ knowledge }) => knowledge === "transfer")) compareSurrogate(before, after, differ);
    if (profiles.length > 0) threats.push({ before: threat, after: other, profiles });
  }
  for (const { id } of after.threats)
    if (!before.threats.some((threat) => threat.id === id)) only(id, "the second version");
  if (threats.length === 0) {
    const names = (result: Result) => result.threats.map(({ id }) => id).join(", ");
    differ("threats", names(before), names(after));
  }
  return { threats, notCompared };
}

/** Equal effort: the same attacks, with the same settings, in the same order. */
function compareEffort(one: ProfileResult, other: ProfileResult, threat: string, differ: Differ): void {
  const written = ({ attacks }: ProfileResult) =>
    attacks
      .map(({ name, settings }) => {
        const sorted = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
        return `${name}(${sorted.map(([key, value]) => `${key}=${value}`).join(" ")})`;
      })
      .join(", ");
  if (written(one) !== written(other)) differ(`${one.knowledge} under ${threat}`, written(one), written(other));
}

/** One that was trained from each model's own answers is another for each: it must have been trained in the same way. */
function compareSurrogate({ model: one }: Result, { model: other }: Result, differ: Differ): void {
  if (one.surrogate !== undefined && other.surrogate !== undefined) {
    const trained = ({ queries, start, architecture }: SurrogateFacts) =>
      `${architecture} from ${queries} queries, ${start} to begin with`;
    if (trained(one.surrogate) !== trained(other.surrogate))
      differ("surrogate", trained(one.surrogate), trained(other.surrogate));
    return;
  }
  const named = (hash: string | undefined) => (hash === undefined ? "an unknown one" : hash.slice(0, 12));
  if (one.surrogateSha256 !== other.surrogateSha256)
    differ("surrogate", named(one.surrogateSha256), named(other.surrogateSha256));
}
