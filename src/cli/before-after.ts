import { join } from "node:path";
import { assess } from "../assess/assess.ts";
import type { Comparison } from "../assess/schema.ts";
import { BlindspotError } from "../base/errors.ts";
import { type Dataset, drawSamples } from "../data/index.ts";
import { overlapOf, readRows, type TrainingRows } from "../defenses/index.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { parseThreat } from "../threats/index.ts";
import { type AssessGiven, assessOptions } from "./assess-options.ts";
import { compareFolders } from "./compare-folders.ts";
import { codecFor, openData, openTarget } from "./open.ts";
import type { Given } from "./options.ts";
import { defined } from "./plan-options.ts";
import type { Progress } from "./progress.ts";
import { writeComparisonFiles } from "./write-comparison.ts";
import { writeReport } from "./write-report.ts";

/** What a hardening is measured by, before and after. */
export interface HeldOut {
  readonly spec: string;
  /** The threat that was trained against, and at least one of another norm. */
  readonly threats: readonly string[];
  /** What the headline must say of the data. */
  readonly notes: readonly string[];
}

type MeasureGiven = Given & { readonly model: string; readonly threat: readonly string[] };

/** What the training will see. */
export interface SeenRows {
  readonly data: Dataset;
  readonly train: TrainingRows;
  readonly validate: TrainingRows;
}

/** Opens the held-out data before any time is spent on training. Throws E_DATA_OVERLAP where the training sees some of it, unless that is allowed. */
export async function openHeldOut(
  given: MeasureGiven,
  spec: string,
  classes: number,
  seen: SeenRows,
): Promise<HeldOut> {
  const data = await openData({ ...given, data: spec });
  requireAlike(data, seen.data);
  const { trainedOn, chosenBy } = await overlapWith(given, data, classes, seen);
  if (trainedOn.length + chosenBy.length > 0 && !given.allowOverlap)
    throw new BlindspotError({
      code: "E_DATA_OVERLAP",
      subject: spec,
      expected: "data that takes no part in the training",
      got: [...trainedOn, ...chosenBy].join("; "),
      hint: "Split the data so that identical inputs, and groups, stay together; or say --allow-overlap, and the headline says so",
    });
  const [trained] = given.threat;
  const others = given.also ?? [otherNorm(trained!, data)];
  // What was trained on the comparison finds itself, sample by sample.
  return { spec, threats: [trained!, ...others], notes: chosenBy.map((text) => `Overlap: ${text}`) };
}

/** Rows of another shape can't be given to the model; between floats and bytes what stands in both could not be found. */
function requireAlike(data: Dataset, other: Dataset): void {
  const described = ({ dims, naturalQuantize }: Dataset) =>
    `${naturalQuantize === "uint8" ? "8-bit" : "float"} rows of ${dims.join("x")}`;
  if (described(data) === described(other)) return;
  throw new BlindspotError({
    code: "E_DATA_SHAPE",
    subject: data.spec,
    expected: `${described(other)}, as ${other.spec}`,
    got: described(data),
  });
}

/** What of the held-out samples the training sees, in words. */
async function overlapWith(given: MeasureGiven, data: Dataset, classes: number, seen: SeenRows) {
  const drawn = drawSamples(data, { samples: given.samples ?? DEFAULT_SAMPLES, seed: given.seed ?? 0 });
  const rows = await readRows(data, codecFor(data)(data.naturalQuantize), classes, drawn);
  const said = (part: TrainingRows, does: string) => {
    const { inputs, groups } = overlapOf(part, rows);
    return [
      ...(inputs > 0 ? [`${inputs} of its inputs ${does}`] : []),
      ...(groups > 0 ? [`${groups} of its groups are cut: some of their samples ${does}`] : []),
    ];
  };
  return { trainedOn: said(seen.train, "are trained on"), chosenBy: said(seen.validate, "choose the epoch") };
}

const DEFAULT_SAMPLES = 1000;

/**
 * A threat of another norm and about the same size, for a norm that was trained against: the ball that touches a quarter of the other's
 * farthest corner (8/255 in L-inf on a 32 x 32 x 3 image: L2 0.43, near the 0.5 that benchmarks pair with it).
 */
export function otherNorm(spec: string, { dims }: Pick<Dataset, "dims">): string {
  const { norm, epsilon } = parseThreat(spec, { dims });
  const root = Math.sqrt(sizeOf(dims));
  return norm === "linf" ? `l2:${short((epsilon * root) / 4)}` : `linf:${short((4 * epsilon) / root)}`;
}

const short = (value: number) => String(Number(value.toPrecision(2)));

/**
 * Attacks the model before and after, afresh and with equal effort, on the held-out data; compares them pair by pair; times both. Everything lies
 * in one folder: `before/`, `after/`, `comparison.json` and its page. Null if it was interrupted: the same command goes on.
 */
export async function measureBeforeAfter(
  given: MeasureGiven,
  heldOut: HeldOut,
  files: { readonly model: string; readonly log: string; readonly beforeAfter: string },
  progress: Progress,
  signal: AbortSignal,
): Promise<{ readonly comparison: Comparison; readonly page: string } | null> {
  const folders = ["before", "after"].map((name) => join(files.beforeAfter, name)) as [string, string];
  for (const [i, model] of [given.model, files.model].entries()) {
    const run = { ...readingOf(given), model, data: heldOut.spec, threat: heldOut.threats, out: folders[i]! };
    if (!(await assessInto(run, progress, signal))) return null;
  }
  const comparison = await compareFolders(folders[0], folders[1], {
    training: files.log,
    cost: true,
    notes: heldOut.notes,
    ...defined({ allowOverlap: given.allowOverlap }),
  });
  return { comparison, page: await writeComparisonFiles(files.beforeAfter, comparison) };
}

/** Options of the command that also say how a model is read and attacked. */
function readingOf(given: MeasureGiven): Given {
  const { inputRange, mean, std, channels, layout, shape, output, classes } = given;
  const { quantize, mask, samples, attacks, profile, surrogate, seed, queries } = given;
  return defined({
    ...{ inputRange, mean, std, channels, layout, shape, output, classes },
    ...{ quantize, mask, samples, attacks, profile, surrogate, seed, queries },
  });
}

async function assessInto(given: AssessGiven, progress: Progress, signal: AbortSignal): Promise<boolean> {
  const target = await openTarget(given);
  try {
    progress.line(`Attacking ${target.facts.name}`);
    const { directory } = await assess(assessOptions(target, given, progress, signal));
    progress.clear();
    if (directory !== null) await writeReport(directory);
    return !signal.aborted;
  } finally {
    await target.close();
  }
}
