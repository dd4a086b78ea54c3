import type { PlannedAttack } from "../attacks/record.ts";
import { findAttack } from "../attacks/registry.ts";
import { runSamples } from "../attacks/runner.ts";
import {
  type NetOptions,
  randomNet,
  randomSamples,
  type SmallNet,
  smallClassifier,
  streamOf,
} from "../attacks/small-net.test.fixture.ts";
import { sha256 } from "../base/hash.ts";
import { Corpus } from "../corpus/corpus.ts";
import { memoryFolder } from "../corpus/folder.ts";
import { ticking } from "../corpus/samples.test.fixture.ts";
import type { EventBody } from "../corpus/schema.ts";
import type { DataSample } from "../data/dataset.ts";
import { vectorCodec } from "../inputs/index.ts";
import { linf } from "../threats/lp.ts";
import type { Threat } from "../threats/threat.ts";
import type { Version } from "./version.ts";

/** Versions of a small exact net, and a corpus of what fools the first. */

export const INPUTS = 6;
export const CLASSES = 3;
export const THREAT = linf(0.15, { spelled: "0.15" });
export const V1 = randomNet(3, INPUTS, CLASSES);

export function versionOf(net: SmallNet, name: string, options: NetOptions = {}): Version {
  const classifier = smallClassifier(net, options);
  const { classes, dims } = classifier;
  const record = {
    kind: "function",
    identity: sha256(JSON.stringify(net)),
    classes: [...classes],
    dims: [...dims],
    preprocessing: { inputRange: [0, 1] },
  };
  return { name, classifier, record };
}

/** The same net with every weight changed by this share of it, at random but for the seed. */
export function shaken(net: SmallNet, share: number, seed = 1): SmallNet {
  const normals = randomNet(seed, 400, 1, null).weights;
  let at = 0;
  const move = (values: readonly number[]) =>
    values.map((value) => value * (1 + share * normals[at++ % normals.length]!));
  return {
    ...net,
    weights: move(net.weights),
    bias: move(net.bias),
    hidden: net.hidden && { weights: move(net.hidden.weights), bias: move(net.hidden.bias) },
  };
}

/** A net that answers the same class, whatever it is shown. */
export function constantNet(index: number): SmallNet {
  const { inputs, classes } = V1;
  return {
    inputs,
    classes,
    hidden: null,
    weights: new Array<number>(inputs * classes).fill(0),
    bias: Array.from({ length: classes }, (_, i) => (i === index ? 5 : 0)),
  };
}

const pgd = findAttack("pgd");
const PGD: PlannedAttack = { definition: pgd, settings: { ...pgd.defaults, loss: "margin" } };

export interface Found {
  readonly sample: DataSample;
  readonly point: Float32Array;
  readonly predicted: number;
}

/** What fools this net among random samples, labelled by itself. */
export async function attacked(net: SmallNet, count: number, seed = 1, threat: Threat = THREAT): Promise<Found[]> {
  const samples = randomSamples(seed, net, count);
  const found: Found[] = [];
  const run = {
    classifier: smallClassifier(net),
    threat,
    profiles: [{ knowledge: "white-box" as const, attacks: [PGD] }],
  };
  for await (const { index, profiles } of runSamples(streamOf(samples), run)) {
    const attempt = profiles[0]?.attempts[0]?.found;
    if (attempt != null) found.push({ sample: samples[index]!, point: attempt.point, predicted: attempt.predicted });
  }
  return found.sort((a, b) => a.sample.index - b.sample.index);
}

export async function store(
  corpus: Corpus,
  version: Version,
  found: readonly Found[],
  threat: string | null = THREAT.id,
) {
  const model = await corpus.storeModel(version.record);
  const { classes } = version.record;
  const ids: string[] = [];
  for (const { sample, point, predicted } of found) {
    const event: EventBody = {
      event: "found",
      kind: threat === null ? "natural" : "adversarial",
      model,
      modelName: version.name,
      label: { name: classes[sample.label]!, index: sample.label },
      predicted: { name: classes[predicted]!, index: predicted },
      data: { spec: "made up", sample: sample.id, index: sample.index },
      ...(threat === null ? {} : { threat }),
    };
    const clean = threat === null ? null : sample.point;
    const added = await corpus.add({ codec: vectorCodec([INPUTS]), point, clean, events: [event] });
    ids.push(added.id);
  }
  return ids;
}

export async function corpusWith(
  version: Version,
  found: readonly Found[],
  threat: string | null = THREAT.id,
): Promise<Corpus> {
  const corpus = await Corpus.create(memoryFolder(), { toolVersion: "1.2.3", now: ticking() });
  await store(corpus, version, found, threat);
  return corpus;
}
