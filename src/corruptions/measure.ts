import { Rng } from "../base/rng.ts";
import { type Interval, wilson95 } from "../base/statistics.ts";
import { predictedClass } from "../threats/goal.ts";
import { CORRUPTIONS, corrupted, type JpegRoundTrip, SEVERITIES, type Severity } from "./corruptions.ts";

/** A model, asked one row at a time; whoever owns it may pack rows into batches. */
export interface Asked {
  scores(x: Float32Array): Promise<{ readonly scores: Float32Array }>;
  /** The original model, alone. */
  verify(x: Float32Array): Promise<{ readonly scores: Float32Array }>;
}

/** Of all samples, those that stay right under one corruption at one severity; `clean`: without any. */
export interface Cell {
  readonly corruption: string;
  readonly severity: Severity | 0;
  readonly right: number;
  readonly of: number;
  readonly sampling95: Interval;
}

/** A sample that was right, and is wrong under the mildest severity that does it. */
export interface CorruptionFailure {
  readonly corruption: string;
  readonly severity: Severity;
  readonly point: Float32Array;
  readonly predicted: number;
  readonly scores: Float32Array;
}

/** What the corruptions do to one sample: which are withstood, and the failures. */
export interface CorruptedSample {
  readonly cleanRight: boolean;
  /** `corruption severity` of each that it gets right. */
  readonly right: ReadonlySet<string>;
  readonly failures: readonly CorruptionFailure[];
}

/** Every corruption at every severity; random parts follow from the seed and the sample's index alone. */
export async function corruptSample(
  { point, label, index }: { readonly point: Float32Array; readonly label: number; readonly index: number },
  dims: readonly number[],
  model: Asked,
  jpeg: JpegRoundTrip,
  seed: number,
): Promise<CorruptedSample> {
  const rng = Rng.of(seed).fold("corruptions").fold(index);
  const cleanRight = predictedClass((await model.verify(point)).scores) === label;
  const right = new Set<string>();
  const failures: CorruptionFailure[] = [];
  const answers = CORRUPTIONS.flatMap(({ name }) =>
    SEVERITIES.map(async (severity) => {
      const x = await corrupted(name, severity, point, dims, rng.fold(name).fold(severity), jpeg);
      return { name, severity, x, wrong: predictedClass((await model.scores(x)).scores) !== label };
    }),
  );
  const failed = new Set<string>();
  for (const { name, severity, x, wrong } of await Promise.all(answers)) {
    if (!wrong) right.add(cellKey(name, severity));
    else if (cleanRight && !failed.has(name)) {
      const { scores } = await model.verify(x);
      const predicted = predictedClass(scores);
      if (predicted === label) continue;
      failed.add(name);
      failures.push({ corruption: name, severity, point: x, predicted, scores });
    }
  }
  return { cleanRight, right, failures };
}

function cellKey(corruption: string, severity: number): string {
  return `${corruption} ${severity}`;
}

/** Accuracy of each corruption and severity, the clean one first. */
export class CorruptionTable {
  private of = 0;
  private clean = 0;
  private readonly right = new Map<string, number>();

  add(sample: CorruptedSample): void {
    this.of++;
    if (sample.cleanRight) this.clean++;
    for (const key of sample.right) this.right.set(key, (this.right.get(key) ?? 0) + 1);
  }

  get cells(): readonly Cell[] {
    const cell = (corruption: string, severity: Severity | 0, right: number): Cell => ({
      corruption,
      severity,
      right,
      of: this.of,
      sampling95: wilson95(right, this.of),
    });
    return [
      cell("none", 0, this.clean),
      ...CORRUPTIONS.flatMap(({ name }) =>
        SEVERITIES.map((severity) => cell(name, severity, this.right.get(cellKey(name, severity)) ?? 0)),
      ),
    ];
  }
}
