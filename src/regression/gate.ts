import type { Knowledge } from "../attacks/attack.ts";
import { sha256 } from "../base/hash.ts";
import { type Catalog, catalogOf } from "../corpus/catalog.ts";
import type { Trust } from "../corpus/entry.ts";
import { summaryOf } from "../corpus/summary.ts";
import { type Baseline, brokenOf, ratchetOf, readBaseline } from "./baseline.ts";
import { casesOf, REPLAYED } from "./case.ts";
import { countOf, type Gated } from "./case-list.ts";
import { Decisions, replayVersion, toldCase } from "./decisions.ts";
import { dropOf, type FreshAnswer } from "./fresh.ts";
import { growthOf } from "./growth.ts";
import { Ledger } from "./ledger.ts";
import { memoryKey, noMemory } from "./memory.ts";
import type { GateOptions, ReplayOptions } from "./options.ts";
import { DEFAULT_SUITE } from "./reattack.ts";
import { GATE_SCHEMA, type GateResult, policySchema, REPLAY_SCHEMA, type ReplayResult, STATES } from "./schema.ts";
import { Suspects } from "./suspects.ts";
import { countOutcomes, verdictOf } from "./verdict.ts";
import { requireUnchanged, sharedProfiles, type Version, versionDigest } from "./version.ts";

/** The corpus on one version. */
export async function replay(options: ReplayOptions): Promise<ReplayResult> {
  const started = performance.now();
  const { corpus, candidate } = options;
  const catalog = options.catalog ?? catalogOf(corpus, await corpus.read());
  const cases = await casesOf(corpus, catalog.contents().entries);
  const all = await replayVersion(candidate, cases, options);
  await requireUnchanged(candidate);
  const told = cases.map((one, i) => toldCase(one, all.replayed[i]!));
  return {
    schema: REPLAY_SCHEMA,
    status: told.some(({ candidate: { state } }) => state === "skipped") ? "partial" : "complete",
    ...commonOf(options, catalog, cases.length, 0),
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
  const catalog = options.catalog ?? catalogOf(options.corpus, await options.corpus.read());
  const gated = await gateOn({ ...options, catalog });
  return { ...gated, cases: [...gated.cases.of(() => true)] };
}

/** The same, with cases that can be read until the catalog is closed. */
export async function gateOn(options: GateOptions & { readonly catalog: Catalog }): Promise<Gated> {
  const started = performance.now();
  const { corpus, catalog, candidate, base, effort = {}, now = () => new Date() } = options;
  const policy = policySchema.parse(options.policy ?? {});
  const baseline = await readBaseline(corpus);
  const profiles = sharedProfiles([candidate, base], effort.profiles);
  const ledger = new Ledger(catalog, purposeOf(options, profiles));
  const suspects = new Suspects({
    ...options,
    memory: options.memory ?? noMemory(),
    toolVersion: options.toolVersion ?? "0",
    effort,
    profiles,
    wrongAt: (place) => ledger.wrongAt(place),
  });
  const decisions = new Decisions(ledger, suspects, options, now().toISOString().slice(0, 10));
  await decisions.make();
  const answer: FreshAnswer = (await options.fresh?.()) ?? null;
  const fresh = answer !== null && "fresh" in answer ? answer.fresh : null;
  const freshProblem = answer !== null && "problem" in answer ? answer.problem : null;
  const cases = await decisions.close();
  for (const version of [candidate, base]) await requireUnchanged(version);
  const { counts } = cases;
  const attackedUnder = counts.flatMap(({ facts: { attacked, threat } }) =>
    attacked && threat !== null ? [threat] : [],
  );
  const broken = baseline === null ? 0 : brokenOf(baseline, cases);
  return {
    schema: GATE_SCHEMA,
    status: countOf(counts, ({ finished }) => !finished) > 0 ? "partial" : "complete",
    ...commonOf(options, catalog, countOf(counts), effort.seed ?? 0),
    grown: await growthOf(corpus, catalog, suspects.added),
    holds: summaryOf(catalog.statistics(candidate.record.classes.length)),
    cost: {
      ...suspects.cost,
      replayed: decisions.asked,
      remembered: ledger.remembered + decisions.remembered + suspects.remembered,
    },
    seconds: (performance.now() - started) / 1000,
    base: toldVersion(base),
    candidate: toldVersion(candidate),
    effort: { suite: [...(effort.attacks ?? DEFAULT_SUITE)], threats: suspects.effort(attackedUnder) },
    policy,
    fresh,
    freshProblem,
    baseline: baseline && toldBaseline(baseline, broken),
    verdict: verdictOf({ counts, policy, ratchet: ratchetOf(baseline, broken), drop: dropOf(fresh), freshProblem }),
    counts: countOutcomes(counts),
    cases,
  };
}

/** Names what the outcome of a case rests on beside its sample. Null: a version that is only asked may be another the next time. */
function purposeOf(
  { candidate, base, effort, toolVersion = "0" }: GateOptions,
  profiles: readonly Knowledge[],
): string | null {
  const versions = [candidate, base];
  if (versions.some(({ classifier }) => classifier.asked !== undefined)) return null;
  return memoryKey({
    what: "gate",
    toolVersion,
    versions: versions.map((version) => ({
      version: versionDigest(version),
      trainedOn: sha256([...(version.trainedOn ?? [])].sort().join("\n")),
      mask: version.mask === undefined ? null : sha256(version.mask),
    })),
    effort,
    profiles,
  });
}

function toldBaseline({ at, by, reason, model, broken }: Baseline, now: number): NonNullable<GateResult["baseline"]> {
  return { at, by, reason, model: model.name, broken: broken.length, now };
}

function toldVersion({ name, record, classifier }: Version) {
  const { asked, capabilities } = classifier;
  const { identity } = record;
  const told = { name, identity, gradient: capabilities.gradient };
  return asked === undefined ? told : { ...told, asked: { queries: asked.queries, cost: asked.cost } };
}

function commonOf({ corpus, toolVersion = "0" }: ReplayOptions, catalog: Catalog, cases: number, seed: number) {
  const states = new Map(catalog.counts("trust").map(({ name, samples }) => [name as Trust, samples]));
  const of = (state: Trust) => states.get(state) ?? 0;
  return {
    tool: { name: "blindspot" as const, version: toolVersion },
    seed,
    corpus: {
      name: corpus.folder.name,
      samples: REPLAYED.reduce((sum, state) => sum + of(state), 0),
      cases,
      digest: sha256(catalog.ids(REPLAYED)),
      leftOut: {
        unlabelled: of("unlabelled"),
        rejected: of("rejected"),
        forgotten: of("forgotten"),
        damagedFiles: catalog.problems.length,
      },
    },
  };
}
