import type { Sample } from "../../attacks/attack.ts";
import type { PlannedAttack } from "../../attacks/record.ts";
import type { DataSample } from "../../data/dataset.ts";
import { attackFor } from "../attack-for.ts";
import { attackOnce, type Bench } from "../attack-once.ts";
import { standsUnder } from "../metrics.ts";
import {
  beyondChance,
  type CheckDefinition,
  type Outcome,
  pass,
  percent,
  skipped,
  type ThreatContext,
  warn,
} from "./check.ts";
import { outsideGoal, whiteBoxOf } from "./planned.ts";

/** At most so many samples are attacked again. */
const PROBED = 50;
/** Steps at the end over which the best loss must have settled: the last 10, but no more than a fifth of all. */
const LAST = 10;
const lastOf = (losses: readonly number[]) => Math.min(LAST, Math.floor(losses.length / 5));
/** Step sizes of the sweep, in epsilon / steps. */
const STEP_SIZES = [1 / 4, 1, 2.5, 10] as const;

/** Audited samples that stand under the plan's gradient attacks: only they can still fall. */
function standing(context: ThreatContext): DataSample[] {
  const left = new Set(context.lines.filter((line) => standsUnder(line, "white-box")).map(({ index }) => index));
  const outside = outsideGoal(context);
  return context.samples.filter(({ index }) => left.has(index) && !outside.has(index)).slice(0, PROBED);
}

/** Whether more of the same breaks more. `share` of the audited correct samples may fall anew. */
async function again(
  context: ThreatContext,
  bench: Bench,
  attacks: readonly PlannedAttack[],
  what: string,
): Promise<Outcome[]> {
  if (attacks.length === 0) return skipped(`no gradient attack of the plan could have ${what}`);
  const samples = standing(context);
  if (samples.length === 0) return pass("nothing is left to break");
  const lines = await attackOnce(bench, context.threat, attacks, samples);
  const broken = lines.filter(({ status }) => status === "fooled").length;
  const detail = `with ${what}, ${broken} of ${samples.length} samples that stood under gradients fall`;
  return broken > 0.005 * context.samples.length ? warn(detail) : pass(detail);
}

function moreSteps(context: ThreatContext): Promise<Outcome[]> {
  const doubled = whiteBoxOf(context)
    .filter(({ settings }) => typeof settings["steps"] === "number")
    .map((planned) => ({
      ...planned,
      settings: { ...planned.settings, steps: 2 * Number(planned.settings["steps"]) },
    }));
  return again(context, context.bench, doubled, "twice the steps");
}

function moreRestarts(context: ThreatContext): Promise<Outcome[]> {
  const random = whiteBoxOf(context).filter(
    ({ settings }) => typeof settings["restarts"] === "number" && settings["randomStart"] !== false,
  );
  // As many restarts again, from another seed: together with the run's own they are twice as many.
  const bench = { ...context.bench, seed: context.bench.seed + 1 };
  return again(context, bench, random, "twice the restarts");
}

/** The same attack, keeping the loss of each gradient that it asks for: one list per sample. */
function traced({ definition, settings }: PlannedAttack, traces: number[][]): PlannedAttack {
  const single = Object.fromEntries(["restarts", "targets"].filter((key) => key in settings).map((key) => [key, 1]));
  return {
    settings: { ...settings, ...single },
    definition: {
      ...definition,
      async run(sample, given) {
        const losses: number[] = [];
        traces.push(losses);
        const view: Sample = {
          ...sample,
          scores: (x, options) => sample.scores(x, options),
          reached: (scores) => sample.reached(scores),
          margin: (scores) => sample.margin(scores),
          async gradient(x, loss, options) {
            const result = await sample.gradient(x, loss, options);
            losses.push(result.loss);
            return result;
          },
        };
        await definition.run(view, given);
      },
    },
  };
}

/** How much the best loss so far still rose over the last steps, as a share of all that it rose. */
export function lateRise(losses: readonly number[]): number {
  let best = Number.NEGATIVE_INFINITY;
  const running = losses.map((loss) => {
    best = Math.max(best, loss);
    return best;
  });
  const lowest = Math.min(...losses);
  const late = running.at(-1 - lastOf(losses))!;
  return best > lowest ? (best - late) / (best - lowest) : 0;
}

async function incompleteOptimization(context: ThreatContext): Promise<Outcome[]> {
  const iterative = whiteBoxOf(context).filter(({ settings }) => Number(settings["steps"]) > LAST);
  const planned = iterative.find(({ definition }) => definition.name === "apgd-margin") ?? iterative.at(-1);
  if (planned === undefined) return skipped(`no gradient attack of more than ${LAST} steps ran`);
  const samples = standing(context);
  if (samples.length === 0) return pass("nothing is left to break");
  const traces: number[][] = [];
  await attackOnce(context.bench, context.threat, [traced(planned, traces)], samples);
  const long = traces.filter((losses) => losses.length > LAST);
  const rising = long.filter((losses) => lateRise(losses) > 0.05).length;
  const detail = `${planned.definition.name}: of ${long.length} samples that stand, the loss of ${rising} still rose by more than 5 % of its range at the end`;
  return beyondChance(rising, long.length, 0.1) ? warn(detail) : pass(detail);
}

async function stepSizes(context: ThreatContext): Promise<Outcome[]> {
  const { bench, threat, samples } = context;
  const steps = 20;
  if (samples.length === 0) return skipped("no sample is classified correctly");
  const broken: number[] = [];
  for (const factor of STEP_SIZES) {
    const size = (factor * threat.effectiveEpsilon) / steps;
    const pgd = attackFor(bench.classifier, threat, "pgd", [
      `pgd.steps=${steps}`,
      "pgd.loss=margin",
      `pgd.stepSize=${size}`,
    ]);
    if (pgd === null) return skipped("PGD does not fit this model or threat");
    const lines = await attackOnce(bench, threat, [pgd], samples.slice(0, PROBED));
    broken.push(lines.filter(({ status }) => status === "fooled").length);
  }
  const of = Math.min(PROBED, samples.length);
  const list = STEP_SIZES.map((factor, i) => `${factor}: ${broken[i]}`).join(", ");
  const detail = `PGD-${steps} with steps of (times epsilon / ${steps}) broke of ${of}: ${list}`;
  const inside = Math.max(...broken.slice(1, -1));
  const outside = Math.max(broken[0]!, broken.at(-1)!);
  return beyondChance(outside - inside, of, 0.01)
    ? warn(`${detail}; the best lies at an end of the range`)
    : pass(`${detail} (${percent(Math.max(...broken) / of)} at best)`);
}

export const CONVERGENCE_CHECKS: readonly CheckDefinition<ThreatContext>[] = [
  {
    id: "convergence-steps",
    rule: "The plan's gradient attacks with twice the steps, on up to 50 audited samples that stood under them: if more than 0.5 % of the audited correct samples fall anew, warns.",
    source: "Carlini et al. (arXiv:1902.06705): iterations until nothing changes",
    remedy: "Give the attacks more --steps (twice as many, until nothing changes).",
    needs: "audit",
    run: moreSteps,
  },
  {
    id: "convergence-restarts",
    rule: "The plan's gradient attacks that start at random, as often again with another seed: same samples, same limit.",
    source: "Carlini et al. (arXiv:1902.06705): restarts",
    remedy: "Give the attacks more --restarts.",
    needs: "audit",
    run: moreRestarts,
  },
  {
    id: "incomplete-optimization",
    rule: "apgd-margin (else the plan's last iterative attack), once, on the same samples: share whose best loss rose by more than 5 % of its range in the last 10 steps (or the last fifth, if that is fewer). More than 10 % (and more than one) warn.",
    source: "Pintor et al. (arXiv:2106.09947), indicator I4",
    remedy: "The attack was still climbing when it ended: more --steps, or a larger step (--set pgd.stepSize=...).",
    needs: "audit",
    run: incompleteOptimization,
  },
  {
    id: "step-size",
    rule: "PGD-20 with the margin loss and steps of 1/4, 1, 2.5 and 10 times epsilon / 20 on up to 50 audited samples: if the best lies at an end by more than 1 % (and more than one sample), warns.",
    source: "Carlini et al. (arXiv:1902.06705): hyperparameters of the attack",
    remedy:
      "Attacks with a fixed step are mistuned here: prefer AutoPGD (part of standard), or set --set pgd.stepSize=... beyond the best end.",
    needs: "audit",
    run: stepSizes,
  },
];
