import { sha256 } from "../base/hash.ts";
import type { Contents, Corpus } from "../corpus/corpus.ts";
import { samplePath } from "../corpus/layout.ts";
import { type Baseline, brokenOf, ratchetOf, readBaseline } from "./baseline.ts";
import { type Case, type Cases, casesOf } from "./case.ts";
import type { GateEvent } from "./event.ts";
import { dropOf, type FreshAnswer } from "./fresh.ts";
import { growthOf } from "./growth.ts";
import { type Memory, noMemory } from "./memory.ts";
import { type Replayed, type ReplayedAll, replayAll } from "./observe.ts";
import { answered, compare, isWrong, type Question } from "./outcome.ts";
import { DEFAULT_SUITE, type EffortOptions } from "./reattack.ts";
import {
  GATE_SCHEMA,
  type GateCase,
  type GatePolicy,
  type GateResult,
  policySchema,
  REPLAY_SCHEMA,
  type ReplayCase,
  type ReplayResult,
  STATES,
} from "./schema.ts";
import { Suspects } from "./suspects.ts";
import { countOutcomes, verdictOf } from "./verdict.ts";
import { requireUnchanged, sharedProfiles, type Version } from "./version.ts";

export interface ReplayOptions {
  readonly corpus: Corpus;
  /** What is in it; default: its files are read. */
  readonly contents?: Contents;
  readonly candidate: Version;
  /** Default: none. */
  readonly memory?: Memory;
  readonly toolVersion?: string;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: GateEvent) => void;
}

export interface GateOptions extends ReplayOptions {
  readonly base: Version;
  readonly effort?: EffortOptions;
  readonly policy?: Partial<GatePolicy>;
  /** The day that decides whether a waiver still holds. */
  readonly now?: () => Date;
  /** Asked when the corpus is done: what both versions make of a random set. */
  readonly fresh?: () => Promise<FreshAnswer>;
}

/** The corpus on one version. */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const started = performance.now();
  const { corpus, candidate } = options;
  const contents = options.contents ?? (await corpus.read());
  const cases = await casesOf(corpus, contents.entries);
  const all = await replayVersion(candidate, cases, options);
  await requireUnchanged(candidate);
  const told = cases.cases.map((one, i) => toldCase(one, all.replayed[i]!));
  return {
    schema: REPLAY_SCHEMA,
    status: told.some(({ candidate: { state } }) => state === "skipped") ? "partial" : "complete",
    ...commonOf(options, cases, contents.problems.length, 0),
    cost: { queries: 0, gradients: 0, replayed: all.asked, remembered: all.remembered },
    seconds: (performance.now() - started) / 1000,
    model: toldVersion(candidate),
    counts: Object.fromEntries(
      STATES.map((state) => [state, told.filter((one) => one.candidate.state === state).length]),
    ) as ReplayResult["counts"],
    cases: told,
  };
}

/**
 * A new version against the one before it, on the whole corpus. What looks fixed is attacked again, warm and from scratch; before anything
 * counts as newly broken the base has to withstand the same. New inputs that fool a version are stored with the sample that led to them.
 */
export async function gate(options: GateOptions): Promise<GateResult> {
  const started = performance.now();
  const { corpus, candidate, base, effort = {}, now = () => new Date() } = options;
  const policy = policySchema.parse(options.policy ?? {});
  const baseline = await readBaseline(corpus);
  const contents = options.contents ?? (await corpus.read());
  const cases = await casesOf(corpus, contents.entries);
  const after = await replayVersion(candidate, cases, options);
  const before = await replayVersion(base, cases, options);
  const work = {
    ...options,
    memory: options.memory ?? noMemory(),
    toolVersion: options.toolVersion ?? "0",
    effort,
    profiles: sharedProfiles([candidate, base], effort.profiles),
  };
  const suspects = new Suspects(
    work,
    cases.cases.filter((_, i) => isWrong(after.replayed[i]!.observation)),
  );
  const compared = cases.cases.map((one, i) => {
    const attackable = one.threat !== null;
    return compare(before.replayed[i]!.observation, after.replayed[i]!.observation, { attackable });
  });
  const answers = await suspects.attackAll(
    cases.cases.flatMap((one, i) => {
      const question = compared[i]!;
      if (!isQuestion(question)) return [];
      const { observation } = (question === "is it fixed" ? after : before).replayed[i]!;
      return [{ one, question, observed: observation }];
    }),
  );
  const answer: FreshAnswer = (await options.fresh?.()) ?? null;
  const fresh = answer !== null && "fresh" in answer ? answer.fresh : null;
  for (const version of [candidate, base]) await requireUnchanged(version);
  const freshProblem = answer !== null && "problem" in answer ? answer.problem : null;
  const today = now().toISOString().slice(0, 10);
  const told = cases.cases.map((one, i): GateCase => {
    const attacked = answers.get(one);
    const outcome = compared[i]!;
    return {
      ...toldCase(one, after.replayed[i]!),
      base: before.replayed[i]!.observation,
      outcome: isQuestion(outcome) ? answered(outcome, attacked!, suspects.hasGradients(one)) : outcome,
      trainedOn: [candidate, base].some(({ trainedOn }) => wasTrainedOn(one, trainedOn)),
      ...(attacked === undefined ? {} : { attacked }),
      ...waiverOf(one, today),
    };
  });
  return {
    schema: GATE_SCHEMA,
    status: told.some(isUnfinished) || freshProblem !== null ? "partial" : "complete",
    ...commonOf(options, cases, contents.problems.length, effort.seed ?? 0),
    grown: await growthOf(corpus, contents.entries, told),
    cost: {
      ...suspects.cost,
      replayed: after.asked + before.asked,
      remembered: after.remembered + before.remembered + suspects.remembered,
    },
    seconds: (performance.now() - started) / 1000,
    base: toldVersion(base),
    candidate: toldVersion(candidate),
    effort: { suite: [...(effort.attacks ?? DEFAULT_SUITE)], threats: suspects.effort() },
    policy,
    fresh,
    freshProblem,
    baseline: baseline && toldBaseline(baseline, told),
    verdict: verdictOf({
      cases: told,
      policy,
      ratchet: ratchetOf(baseline, told),
      drop: dropOf(fresh),
      freshProblem,
    }),
    counts: countOutcomes(told),
    cases: told,
  };
}

async function replayVersion(version: Version, { cases }: Cases, options: ReplayOptions): Promise<ReplayedAll> {
  const { corpus, memory = noMemory(), toolVersion = "0", signal, onEvent } = options;
  const onCase = (done: number) => onEvent?.({ kind: "replay", version: version.name, done, of: cases.length });
  return replayAll(version, cases, { corpus, memory, toolVersion, signal, onCase });
}

function isQuestion(outcome: string): outcome is Question {
  return outcome === "is it fixed" || outcome === "was the base as weak";
}

function isUnfinished({ base, candidate, attacked }: GateCase): boolean {
  return base.state === "skipped" || candidate.state === "skipped" || attacked?.outcome === "skipped";
}

function wasTrainedOn({ entry: { manifest } }: Case, hashes: ReadonlySet<string> | undefined): boolean {
  if (hashes === undefined) return false;
  return hashes.has(manifest.input) || (manifest.clean !== null && hashes.has(manifest.clean));
}

function waiverOf({ entry: { waived } }: Case, today: string): Pick<GateCase, "waiver"> {
  if (waived === null) return {};
  const { by, reason, until } = waived;
  return { waiver: { by, reason, until, expired: until < today } };
}

function toldCase({ entry, threat, label, taken }: Case, { observation, rendition, changes }: Replayed): ReplayCase {
  return {
    sample: entry.id,
    manifest: samplePath(entry.id),
    modality: entry.manifest.modality,
    threat,
    kinds: [...entry.kinds],
    trusted: entry.trust === "trusted",
    label,
    taken: [...taken],
    rendition,
    ...(changes === undefined ? {} : { changes }),
    candidate: observation,
  };
}

function toldBaseline(baseline: Baseline, cases: readonly GateCase[]): NonNullable<GateResult["baseline"]> {
  const { at, by, reason, model, broken } = baseline;
  return { at, by, reason, model: model.name, broken: broken.length, now: brokenOf(baseline, cases) };
}

function toldVersion({ name, record, classifier }: Version) {
  const { asked, capabilities } = classifier;
  const { identity } = record;
  const told = { name, identity, gradient: capabilities.gradient };
  return asked === undefined ? told : { ...told, asked: { queries: asked.queries, cost: asked.cost } };
}

function commonOf(
  { corpus, toolVersion = "0" }: ReplayOptions,
  { cases, leftOut }: Cases,
  damaged: number,
  seed: number,
) {
  const ids = [...new Set(cases.map(({ entry }) => entry.id))].sort();
  return {
    tool: { name: "blindspot" as const, version: toolVersion },
    seed,
    corpus: {
      name: corpus.folder.name,
      samples: ids.length,
      cases: cases.length,
      digest: sha256(ids.join("\n")),
      leftOut: { ...leftOut, damagedFiles: damaged },
    },
  };
}
