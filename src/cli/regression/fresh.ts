import { join } from "node:path";
import { type Assessment, assess, type ModelFacts, requireEvaluated } from "../../assess/assess.ts";
import { openRunDirectory } from "../../assess/files.ts";
import { BlindspotError } from "../../base/errors.ts";
import { sha256 } from "../../base/hash.ts";
import { type Dataset, openDataset } from "../../data/index.ts";
import { textOf, textPoint } from "../../inputs/text/code-points.ts";
import { type FreshAnswer, freshOf } from "../../regression/fresh.ts";
import { threatOf } from "../../regression/inputs.ts";
import { sharedProfiles, type Version } from "../../regression/version.ts";
import { compareFolders } from "../compare-folders.ts";
import { codecFor } from "../open.ts";
import type { Given } from "../options.ts";
import { defined, overridesOf } from "../plan-options.ts";
import { dataRange, type Ranges, UNIT } from "../ranges.ts";
import { version } from "../version.ts";
import type { OpenVersions } from "./open-versions.ts";
import type { Session } from "./session.ts";

/** Runs on random sets, each under the hash of what decides its outcome: a version that was attacked before costs nothing. */
const RUNS = join(".blindspot", "fresh");
const SAMPLES = 200;

type FreshGiven = Given & { readonly model: string; readonly against: string };

/**
 * Attacks a frozen random set afresh on both versions, with equal effort. Null where no data is given; a problem where time or a budget was over
 * before both were done, or where the two can't be compared.
 * @param threats ids, as the samples of the corpus were found under, where `--threat` says nothing
 */
export async function attackFresh(
  given: FreshGiven,
  { versions, runtime }: OpenVersions,
  threats: readonly string[],
  session: Session,
): Promise<FreshAnswer> {
  const { data: spec } = given;
  if (spec === undefined) return null;
  const [candidate, base] = versions as readonly [Version, Version];
  const data = await openDataAs(spec, candidate, given);
  const profiles = sharedProfiles(versions, given.profile);
  const directories: string[] = [];
  for (const [model, one] of [
    [given.against, base],
    [given.model, candidate],
  ] as const) {
    const wanted = given.threat ?? threats.map((id) => threatOf(id, one));
    if (wanted.length === 0) throw missingThreat();
    const facts = factsOf(one, runtime);
    const assessment = await assess({
      model: one.classifier,
      data,
      threats: wanted,
      overrides: overridesOf(given),
      profiles,
      samples: given.samples ?? SAMPLES,
      ...defined({ quantize: given.quantize, attacks: given.attacks, seed: given.seed, mask: one.mask }),
      facts,
      codec: codecFor(data),
      // Checks look at one version; here two are compared.
      checks: false,
      store: (identity) => openRunDirectory(folderOf(one, identity), identity),
      options: { ...given, model, data: spec },
      toolVersion: version(),
      signal: session.options.signal,
      onEvent: (event) => {
        if (event.kind !== "progress") return;
        const { done, of, fooled } = event;
        session.progress.update(() => `fresh set on ${one.name}: ${done} of ${of}, ${fooled} fooled`);
      },
    });
    const problem = problemOf(assessment);
    if (problem !== null) return { problem };
    directories.push(assessment.directory!);
  }
  const [before, after] = directories as [string, string];
  try {
    // Samples that a version was trained on are shown apart, and are in no rate.
    return { fresh: freshOf(await compareFolders(before, after, { allowOverlap: true })) };
  } catch (error) {
    if (!(error instanceof BlindspotError) || error.exitCode !== 3) throw error;
    return { problem: error.message };
  }
}

/** The data, as the versions read their inputs. */
async function openDataAs(spec: string, { record, reading, classifier }: Version, given: Given): Promise<Dataset> {
  const range = given.inputRange ?? (record.preprocessing["inputRange"] as Ranges | undefined) ?? UNIT;
  const isUnit = JSON.stringify(range) === JSON.stringify(UNIT);
  const data = await openDataset(spec, {
    classes: record.classes,
    ...(reading?.rows === undefined ? (isUnit ? {} : { inputRange: dataRange(range) }) : { rows: reading.rows }),
  });
  if (data.modality !== "text") return data;
  // Texts are as long as they are; points of them as long as the versions take.
  const [size] = classifier.dims;
  const sample: Dataset["sample"] = async (index) => {
    const one = await data.sample(index);
    return { ...one, point: textPoint(textOf(one.point), size!) };
  };
  return Object.assign(Object.create(data) as Dataset, { dims: classifier.dims, sample });
}

/** What a model that can only be asked answered before may be another one's answers: its runs are never taken up again. */
function folderOf({ classifier }: Version, identity: Readonly<Record<string, unknown>>): string {
  const hash = sha256(JSON.stringify(identity)).slice(0, 16);
  return join(RUNS, classifier.asked === undefined ? hash : `${hash}-${Date.now().toString(36)}`);
}

function factsOf({ name, record, classifier }: Version, runtime: OpenVersions["runtime"]): ModelFacts {
  const { kind, identity, preprocessing } = record;
  const base = { kind, name, preprocessing };
  if (classifier.asked !== undefined || runtime === null) return { ...base, fingerprint: identity, runtime: null };
  const { provider, threads } = runtime;
  const facts = { name: runtime.name, version: runtime.version, provider, threads, optimization: "all" };
  return { ...base, sha256: identity, runtime: facts };
}

/** Why a run has no rates to compare, or null. */
function problemOf(assessment: Assessment): string | null {
  const { name } = assessment.result.model;
  if (assessment.result.status !== "complete") return `${name} was not attacked to the end: time or a budget was over`;
  try {
    requireEvaluated(assessment);
    return null;
  } catch (error) {
    if (!(error instanceof BlindspotError)) throw error;
    return error.message;
  }
}

function missingThreat(): BlindspotError {
  return new BlindspotError({
    code: "E_OPTION_MISSING",
    subject: "blindspot gate --data",
    expected: "--threat: no sample of the corpus was found under one",
  });
}
