import type { PlannedAttack } from "../../attacks/record.ts";
import { findAttack } from "../../attacks/registry.ts";
import { BlindspotError } from "../../base/errors.ts";
import { pooled } from "../../base/pooled.ts";
import { Rng } from "../../base/rng.ts";
import { proportion } from "../../base/statistics.ts";
import type { Classifier } from "../../models/classifier.ts";
import {
  type LoadClassifierOptions,
  loadClassifier,
  type OnnxClassifier,
  type OpenedModel,
} from "../../models/index.ts";
import type { OpTable } from "../../ops/define.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { predictedClass, type Threat } from "../../threats/index.ts";
import type { TrainingRows } from "../training-rows.ts";
import { ADAPTIVE, type AdaptivePlan } from "./adaptive-plan.ts";
import { attackerModel, attackerView } from "./attacker.ts";
import { readCard, requireSame } from "./card.ts";
import { GuardedFile, type Verdict } from "./guarded-file.ts";
import { attackAll, plainPgd, untargeted } from "./plain-attack.ts";
import { auroc } from "./ranking.ts";
import type { DetectionResult, Rate } from "./result.ts";

const STATIC = plainPgd(40);

export interface EvaluateDetectorOptions {
  /** The classifier alone, and loaded. */
  readonly source: OpenedModel;
  readonly classifier: OnnxClassifier;
  /** The file with the detector. */
  readonly guarded: OpenedModel;
  readonly reading: LoadClassifierOptions;
  readonly table: OpTable;
  readonly runtime: Runtime;
  readonly rows: TrainingRows;
  /** Hashes of what the detector has seen. */
  readonly seen: ReadonlySet<string>;
  readonly allowOverlap?: boolean;
  readonly threat: Threat;
  readonly seed?: number;
  readonly version: string;
  /** The attacks that know the detector (default: all). */
  readonly adaptive?: readonly AdaptivePlan[];
  /** Before each attack: its name, and how many samples stand. */
  readonly onAttack?: (name: string, standing: number) => void;
}

/**
 * Measures a detector against an attacker who knows it. Throws E_DETECTOR_FILE, E_DETECTOR_MODEL, E_DETECTOR_THREAT for a file that does not belong
 * to this model and threat, E_DATA_OVERLAP for samples that it has seen, E_DETECT_NOTHING where no sample is classified correctly.
 */
export async function evaluateDetector(options: EvaluateDetectorOptions): Promise<DetectionResult> {
  const { source, classifier, guarded, rows, threat, runtime, reading, seed = 0 } = options;
  const begin = performance.now();
  const card = readCard(guarded.model, guarded.label);
  requireSame(card, guarded.label, { model: { name: source.label, sha256: source.sha256 }, threat: threat.id });
  const overlap = rows.hashes.filter((hash) => options.seen.has(hash)).length;
  if (overlap > 0 && options.allowOverlap !== true) throw seenBefore(rows, overlap);

  const label = guarded.label;
  const reached = attackerModel(guarded.model, card);
  const inner = await loadClassifier(reached, { ...reading, runtime, output: card.values.scores, label });
  const file = await GuardedFile.open(guarded, card.values, inner.head, runtime, reading);
  try {
    const bench = new Bench(options, inner, file, Rng.of(seed).fold("detect"));
    const samples = await bench.clean();
    const attacked = samples.filter(({ correct }) => correct);
    if (attacked.length === 0)
      throw new BlindspotError(
        { code: "E_DETECT_NOTHING", subject: rows.spec, expected: "samples that the model gets right", got: "none" },
        { exitCode: 3 },
      );
    const plain = await bench.plain(attacked);
    const noise = await pooled(attacked, classifier.concurrency, ({ x0, rng }) => {
      const point = threat.randomBoundaryPoint(x0, rng.fold("noise"));
      return file.verdict(threat.deployable(point, x0));
    });
    const adaptive = await bench.adaptive(attacked, plain);
    const of = samples.length;
    const unbroken = attacked.filter((sample) => !sample.verdict.rejected && !adaptive.bypassed.has(sample));
    const fooled = plain.filter((verdict) => verdict !== null);
    const suspicions = (verdicts: readonly Verdict[]) => verdicts.map(({ suspicion }) => suspicion);
    return {
      schema: "blindspot-detection/1",
      status: "complete",
      tool: { name: "blindspot", version: options.version },
      seed,
      model: card.model,
      detector: {
        kind: card.kind,
        describes: card.describes,
        file: { name: guarded.label, sha256: guarded.sha256 },
        threshold: card.threshold,
        falsePositiveBudget: card.falsePositiveBudget,
        fitted: card.fitted,
        calibrated: card.calibrated,
      },
      data: { spec: rows.spec, sha256: rows.sha256, samples: of },
      overlap,
      threat: { id: threat.id, norm: threat.norm, epsilon: threat.epsilon, quantize: threat.quantize },
      clean: {
        accuracy: rate(attacked.length, of),
        correctAndAccepted: rate(attacked.filter(({ verdict }) => !verdict.rejected).length, of),
        falsePositives: rate(samples.filter(({ verdict }) => verdict.rejected).length, of),
      },
      accuracyWithRejection: rate(unbroken.length, of),
      bypass: rate(adaptive.bypassed.size, attacked.length),
      adaptive: { attacks: adaptive.attacks, notRun: adaptive.notRun },
      static: {
        attack: `PGD, ${STATIC.settings["steps"]} steps on the cross-entropy, last step, against the classifier alone`,
        fooled: rate(fooled.length, attacked.length),
        bypassed: rate(fooled.filter(({ rejected }) => !rejected).length, attacked.length),
        auroc: {
          clean: auroc(suspicions(fooled), suspicions(samples.map(({ verdict }) => verdict))),
          noise: auroc(suspicions(fooled), suspicions(noise)),
        },
        noiseRejected: rate(noise.filter(({ rejected }) => rejected).length, attacked.length),
      },
      seconds: (performance.now() - begin) / 1000,
    };
  } finally {
    await Promise.all([inner.close(), file.close()]);
  }
}

function rate(count: number, of: number): Rate {
  const { value, sampling95 } = proportion(count, of);
  return { value, count, of, sampling95: { ...sampling95 } };
}

function seenBefore(rows: TrainingRows, inputs: number): BlindspotError {
  return new BlindspotError({
    code: "E_DATA_OVERLAP",
    subject: rows.spec,
    expected: "data that the detector was neither fitted nor calibrated on",
    got: `${inputs} inputs that it was`,
    hint: "Give other data, or accept it with --allow-overlap: the result says so",
  });
}

interface CleanSample {
  readonly x0: Float32Array;
  readonly label: number;
  readonly correct: boolean;
  /** Of the file with the detector. */
  readonly verdict: Verdict;
  /** This sample's own stream: whatever else is drawn. */
  readonly rng: Rng;
}

interface AdaptiveOutcome {
  readonly bypassed: ReadonlySet<CleanSample>;
  readonly attacks: DetectionResult["adaptive"]["attacks"];
  readonly notRun: string[];
}

/** What the parts of an evaluation share. */
class Bench {
  private readonly options: EvaluateDetectorOptions;
  private readonly inner: OnnxClassifier;
  private readonly file: GuardedFile;
  private readonly stream: Rng;

  constructor(options: EvaluateDetectorOptions, inner: OnnxClassifier, file: GuardedFile, stream: Rng) {
    this.options = options;
    this.inner = inner;
    this.file = file;
    this.stream = stream;
  }

  /** Each sample as it is, by the classifier's own file and by the one with the detector. */
  clean(): Promise<CleanSample[]> {
    const { rows, classifier, threat } = this.options;
    const indices = Array.from({ length: rows.count }, (_, i) => i);
    return pooled(indices, classifier.concurrency, async (i) => {
      const row = new Float32Array(rows.size);
      rows.copy(i, row, 0);
      const x0 = threat.deployable(row, row);
      const label = rows.labels[i]!;
      const correct = predictedClass(await classifier.verify(x0)) === label;
      return { x0, label, correct, verdict: await this.file.verdict(x0), rng: this.stream.fold(rows.hashes[i]!) };
    });
  }

  /** What the file says of the inputs that fool the classifier alone; null where none was found. */
  async plain(attacked: readonly CleanSample[]): Promise<(Verdict | null)[]> {
    const { classifier, threat, onAttack } = this.options;
    onAttack?.("static", attacked.length);
    const records = await attackAll(classifier, threat, STATIC, this.subjects(classifier, attacked, "static"));
    refuseErrors(records);
    return pooled(records, classifier.concurrency, async ({ found }) =>
      found === null ? null : await this.file.verdict(found.point),
    );
  }

  async adaptive(attacked: readonly CleanSample[], plain: readonly (Verdict | null)[]): Promise<AdaptiveOutcome> {
    const { threat, table, onAttack } = this.options;
    const card = readCard(this.options.guarded.model, this.options.guarded.label);
    // An input made without knowing the detector that passes it by chance is a success like any other.
    const bypassed = new Set(attacked.filter((_, i) => plain[i]?.rejected === false));
    const attacks: DetectionResult["adaptive"]["attacks"] = [];
    const notRun: string[] = [];
    for (const { name, how, pursuit, attacks: candidates } of this.options.adaptive ?? ADAPTIVE) {
      const planned = this.fitting(candidates);
      const standing = attacked.filter((sample) => !bypassed.has(sample));
      if (planned === null)
        notRun.push(`${name}: not for ${threat.norm}, or the model and its detector have no gradient`);
      if (planned === null || standing.length === 0) continue;
      onAttack?.(name, standing.length);
      const view = await attackerView(this.inner, this.file, card, table, pursuit);
      try {
        const records = await attackAll(view, threat, planned, this.subjects(view, standing, name));
        refuseErrors(records);
        records.forEach(({ found }, i) => {
          if (found !== null) bypassed.add(standing[i]!);
        });
        attacks.push({
          name,
          how,
          settings: { attack: planned.definition.name, ...planned.settings },
          attempted: standing.length,
          succeeded: records.filter(({ found }) => found !== null).length,
          queries: records.reduce((sum, { queries }) => sum + queries, 0),
          gradients: records.reduce((sum, { gradients }) => sum + gradients, 0),
          seconds: records.reduce((sum, { seconds }) => sum + seconds, 0),
        });
      } finally {
        await view.close();
      }
    }
    return { bypassed, attacks, notRun };
  }

  private fitting(candidates: AdaptivePlan["attacks"]): PlannedAttack | null {
    const { threat } = this.options;
    const { dims, capabilities, classes } = this.inner;
    for (const [name, settings] of candidates) {
      const definition = findAttack(name);
      const known = definition.norms.includes(threat.norm);
      const possible = definition.knowledge !== "white-box" || capabilities.gradient;
      const reason = definition.unsuitable?.({ threat, dims, classes: classes.length + 1 }) ?? null;
      if (known && possible && reason === null)
        return { definition, settings: { ...definition.defaults, ...settings } };
    }
    return null;
  }

  private subjects({ classes }: Classifier, samples: readonly CleanSample[], attack: string) {
    const own = this.inner.classes.length;
    return samples.map(({ x0, label, verdict, rng }) => {
      // What attacks compare with: as many scores as the classifier that they see has classes.
      const scores = Float32Array.from({ length: classes.length }, (_, c) => verdict.scores[c] ?? 0);
      return { subject: untargeted(x0, label, scores, own), rng: rng.fold(attack) };
    });
  }
}

/** An attack that broke down says nothing of the samples that it left standing. */
function refuseErrors(records: readonly { readonly outcome: string; readonly detail?: string }[]): void {
  const broken = records.filter(({ outcome }) => outcome === "error");
  if (broken.length > 0)
    throw new BlindspotError(
      {
        code: "E_DETECT_ATTACK",
        subject: "the evaluation",
        expected: "attacks that run to their end",
        got: `${broken.length} that failed: ${broken[0]!.detail}`,
      },
      { exitCode: 3 },
    );
}
