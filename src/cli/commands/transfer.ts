import { basename } from "node:path";
import { makePlan, readSamples } from "../../assess/plan.ts";
import { type Proportion, proportion } from "../../assess/statistics.ts";
import { runSamples } from "../../attacks/runner.ts";
import { BlindspotError } from "../../base/errors.ts";
import { interval, percent, table } from "../../report/format.ts";
import { onInterrupt } from "../interrupt.ts";
import { openModels } from "../open.ts";
import { type Given, requireOptions } from "../options.ts";
import { defined, overridesOf } from "../plan-options.ts";
import { requirePreprocessing } from "../preprocessing.ts";
import { Progress } from "../progress.ts";

const DEFAULT_ATTACK = "mi-fgsm";

/** Inputs made against `from`, tried on `to`: fooled of those that `to` gets right. */
interface Cell extends Proportion {
  readonly from: string;
  readonly to: string;
  readonly fooled: number;
  readonly of: number;
}

export async function run(options: Given): Promise<number> {
  const given = requireOptions(options, ["models", "data", "threat"], "transfer");
  if (given.models.length < 2 || given.threat.length > 1)
    throw new BlindspotError({
      code: "E_USAGE",
      subject: "blindspot transfer",
      expected: "two or more --models and one --threat",
    });
  const progress = new Progress(process.stderr, given.quiet ?? false);
  const interrupt = onInterrupt((text) => progress.line(text));
  const models = await openModels(given.models, given);
  const { classifiers, data, mask, close } = models;
  try {
    await requirePreprocessing(models, given);
    const names = given.models.map((model) => basename(model));
    const cells: Cell[] = [];
    for (const [from, surrogate] of classifiers.entries())
      for (const [to, model] of classifiers.entries()) {
        const plan = makePlan({
          model,
          data,
          surrogate,
          threats: given.threat,
          attacks: given.attacks ?? [DEFAULT_ATTACK],
          profiles: ["transfer"],
          overrides: overridesOf(given),
          ...defined({ goal: given.goal, quantize: given.quantize, samples: given.samples, seed: given.seed }),
          ...(mask === null ? {} : { mask }),
        });
        const { threat, profiles } = plan.threats[0]!;
        let fooled = 0;
        let of = 0;
        const records = runSamples(readSamples(data, plan.indices), {
          classifier: model,
          surrogate,
          threat,
          profiles,
          seed: plan.seed,
          signal: interrupt.signal,
        });
        for await (const record of records) {
          if (record.status !== "misclassified") of++;
          if (record.status === "fooled") fooled++;
          progress.update(() => `${names[from]} to ${names[to]}: ${of} samples, ${fooled} fooled`);
        }
        cells.push({ from: names[from]!, to: names[to]!, fooled, of, ...proportion(fooled, of) });
        if (interrupt.signal.aborted) break;
      }
    progress.clear();
    process.stdout.write(given.json ? `${JSON.stringify(cells, null, 2)}\n` : matrix(names, cells));
    return interrupt.signal.aborted ? 130 : 0;
  } finally {
    progress.clear();
    interrupt.dispose();
    await close();
  }
}

function matrix(names: readonly string[], cells: readonly Cell[]): string {
  const rows = [["made against", ...names.map((name) => `on ${name}`)]];
  for (const [i, from] of names.entries())
    rows.push([
      from,
      ...names.map((_, j) => {
        const cell = cells[i * names.length + j];
        return cell === undefined ? "-" : `${percent(cell.value)} ${interval(cell.sampling95)}`;
      }),
    ]);
  const lines = table(rows, ["left", ...names.map(() => "right" as const)]);
  return `Fooled, of the samples that the attacked model gets right (95 % intervals)\n${lines.join("\n")}\n`;
}
