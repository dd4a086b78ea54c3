import { resolve } from "node:path";
import { writeWhole } from "../../assess/files.ts";
import { BlindspotError } from "../../base/errors.ts";
import { type Dataset, drawSamples } from "../../data/index.ts";
import {
  DETECTOR_NAMES,
  type DetectorName,
  evaluateDetector,
  fitDetector,
  parseSqueezers,
  readCard,
} from "../../defenses/detectors/index.ts";
import { readRows, type TrainingRows } from "../../defenses/index.ts";
import { loadClassifier, type OnnxClassifier } from "../../models/index.ts";
import { operators } from "../../ops/index.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { parseThreat, type Threat } from "../../threats/index.ts";
import { readSeen, seenPath, writeDetector } from "../detector-files.ts";
import { codecFor, loadOptions, openData, openModelFile, readMask } from "../open.ts";
import { type Given, requireOptions } from "../options.ts";
import { defined } from "../plan-options.ts";
import { probe } from "../preprocessing.ts";
import { Progress } from "../progress.ts";
import { printedDetection, printedFit } from "../told-detection.ts";
import { version } from "../version.ts";

/** Samples that are attacked unless said otherwise: each costs a thousand gradients and more. */
const SAMPLES = 200;
const FALSE_POSITIVES = 0.05;

const STEPS: Readonly<Record<string, (given: Given) => Promise<number>>> = { fit, evaluate };

export async function run(given: Given, [step]: readonly string[]): Promise<number> {
  const chosen = STEPS[step!];
  if (chosen === undefined)
    throw new BlindspotError({
      code: "E_COMMAND",
      subject: `blindspot detect ${step}`,
      expected: Object.keys(STEPS)
        .map((name) => `detect ${name}`)
        .join(" or "),
    });
  return chosen(given);
}

async function fit(options: Given): Promise<number> {
  const given = requireOptions(options, ["model", "data", "validate", "threat", "detector", "out"], "detect fit");
  const detector = detectorName(given.detector);
  const squeezers = given.squeezers === undefined ? undefined : parseSqueezers(given.squeezers);
  if (resolve(given.out) === resolve(given.model))
    throw new BlindspotError({
      code: "E_OUT",
      subject: `--out ${given.out}`,
      expected: "another file than the model itself",
    });
  const fitted = await withModel(given, async (bench) => {
    const validate = await openLike(given.validate, bench.data, given);
    return fitDetector({
      ...bench,
      fit: await rowsOf(bench.data, bench.classifier),
      validate: await rowsOf(validate, bench.classifier),
      threat: await threatOf(given.threat, bench.data, given),
      detector,
      settings: defined({ layers: given.layer, squeezers }),
      falsePositives: given.falsePositives ?? FALSE_POSITIVES,
      ...defined({ seed: given.seed, allowOverlap: given.allowOverlap }),
    });
  });
  await writeDetector(given.out, fitted);
  process.stdout.write(given.json ? `${JSON.stringify(fitted.card, null, 2)}\n` : printedFit(fitted, told(given.out)));
  return 0;
}

const told = (out: string) => ({ file: out, seen: seenPath(out) });

async function evaluate(options: Given): Promise<number> {
  const given = requireOptions(options, ["model", "data", "detector"], "detect evaluate");
  const progress = new Progress(process.stderr, given.quiet ?? false);
  try {
    const guarded = await openModelFile(given.detector);
    const card = readCard(guarded.model, guarded.label);
    const seen = await readSeen(given.detector, card);
    const result = await withModel(given, async (bench) => {
      const samples = given.samples ?? SAMPLES;
      const drawn = drawSamples(bench.data, { samples, seed: given.seed ?? 0 });
      // The threat's id begins with what is typed for it, and how inputs are rounded.
      const [spec, quantize] = card.threat.split(";");
      const same = { ...given, quantize: given.quantize ?? (quantize === "uint8" ? "uint8" : "none") } as const;
      return evaluateDetector({
        ...bench,
        guarded,
        rows: await rowsOf(bench.data, bench.classifier, drawn),
        seen,
        threat: await threatOf(given.threat ?? [spec!], bench.data, same),
        version: version(),
        onAttack: (name, standing) => progress.line(`${name}: ${standing} samples`),
        ...defined({ seed: given.seed, allowOverlap: given.allowOverlap }),
      });
    });
    progress.clear();
    const text = `${JSON.stringify(result, null, 2)}\n`;
    if (given.out !== undefined) await writeWhole(given.out, text);
    process.stdout.write(given.json ? text : printedDetection(result, given.out ?? null));
    return 0;
  } finally {
    progress.clear();
  }
}

function detectorName(text: string): DetectorName {
  const name = DETECTOR_NAMES.find((known) => known === text);
  if (name !== undefined) return name;
  throw new BlindspotError({
    code: "E_OPTION",
    subject: "--detector",
    expected: DETECTOR_NAMES.join(", "),
    got: `'${text}'`,
  });
}

interface ModelBench {
  readonly source: Awaited<ReturnType<typeof openModelFile>>;
  readonly classifier: OnnxClassifier;
  readonly data: Dataset;
  readonly reading: Awaited<ReturnType<typeof loadOptions>>;
  readonly runtime: Runtime;
  readonly table: typeof operators;
}

/** Opens model and data, and closes what it opened. */
async function withModel<T>(
  given: Given & { readonly model: string; readonly data: string },
  work: (bench: ModelBench) => Promise<T>,
): Promise<T> {
  const source = await openModelFile(given.model);
  const data = await openData(given);
  const runtime = await nodeRuntime();
  try {
    const reading = { ...(await loadOptions(data, given)), runtime };
    if (given.probe !== false) {
      const { problem } = await probe(source, data, reading, runtime, given.seed);
      if (problem !== null) throw new BlindspotError(problem);
    }
    const classifier = await loadClassifier(source.bytes, { ...reading, label: source.label });
    return await work({ source, classifier, data, reading, runtime, table: operators });
  } finally {
    await runtime.close();
  }
}

/** Other data of the same shape. */
async function openLike(spec: string, like: Dataset, given: Given): Promise<Dataset> {
  const opened = await openData({ ...given, data: spec });
  if (opened.dims.join() === like.dims.join()) return opened;
  throw new BlindspotError({
    code: "E_DATA_SHAPE",
    subject: spec,
    expected: `${like.dims.join("x")}, as ${like.spec}`,
    got: opened.dims.join("x"),
  });
}

/** Hashes are those of the inputs as they are stored, whatever the threat says of 8 bits. */
function rowsOf(data: Dataset, { classes }: OnnxClassifier, indices?: readonly number[]): Promise<TrainingRows> {
  return readRows(data, codecFor(data)(data.naturalQuantize), classes.length, indices);
}

async function threatOf(specs: readonly string[], data: Dataset, given: Given): Promise<Threat> {
  if (specs.length !== 1)
    throw new BlindspotError({ code: "E_OPTION", subject: "--threat", expected: "one", got: String(specs.length) });
  const mask = given.mask === undefined ? null : await readMask(given.mask, data.dims);
  return parseThreat(specs[0]!, { quantize: given.quantize ?? data.naturalQuantize, mask });
}
