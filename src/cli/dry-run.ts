import { aboutTime, auditCost, estimate, measureSpeed } from "../assess/estimate.ts";
import { makePlan } from "../assess/plan.ts";
import type { Toll } from "../models/classifier.ts";
import { grouped, plural, table } from "../report/format.ts";
import type { AssessGiven } from "./assess-options.ts";
import { budgetOf, shortBudget } from "./budget.ts";
import type { SurrogateTraining, Target } from "./open.ts";
import { planOptions } from "./plan-options.ts";

/** The plan and what it costs at most. A few batches of a file are timed; a model that can only be asked is not asked. */
export async function dryRun(target: Target, given: AssessGiven): Promise<number> {
  const options = planOptions(target, given);
  const plan = makePlan(options);
  const { toll } = target.classifier;
  const cost = estimate(options, plan, await measureSpeed(target.classifier, target.data, plan.indices));
  const attacks = plan.threats.map(({ threat, profiles, notRun }) => ({
    threat: threat.id,
    attacks: profiles.flatMap(({ knowledge, attacks: planned }) =>
      planned.map(({ definition, settings }) => ({ knowledge, name: definition.name, settings })),
    ),
    notRun,
  }));
  const { training } = target;
  const audit = auditCost(options, plan);
  const asked = toll === undefined ? null : askedCost(toll, training?.queries ?? 0, cost.queries, audit);
  const summary = {
    samples: plan.indices.length,
    auditSamples: plan.audit.size,
    atMost: cost,
    threats: attacks,
    ...(training === undefined ? {} : { surrogate: training }),
    ...(asked === null ? {} : { asked }),
  };
  if (given.json) {
    process.stdout.write(`${JSON.stringify(summary, null, 2)}\n`);
    return 0;
  }
  const lines = attacks.flatMap(({ threat, attacks: planned, notRun }) => [
    `Under ${threat}`,
    ...table(
      planned.map(({ knowledge, name, settings }) => [
        `  ${knowledge}`,
        name,
        Object.entries(settings)
          .map(([key, value]) => `${key}=${value}`)
          .join(" "),
      ]),
      ["left", "left", "left"],
    ),
    ...notRun.map(({ attack, reason }) => `  not run: ${attack}: ${reason}`),
  ]);
  if (training !== undefined) lines.unshift(trainingLine(training));
  const total =
    asked === null
      ? `At most ${aboutTime(cost.seconds)}: ${grouped(cost.queries)} queries, ${grouped(cost.gradients)} of them with gradients`
      : askedLines(asked, given, plan.indices.length).join("\n");
  const timed = toll === undefined || toll.secondsPerQuery !== null;
  const cheaper = timed ? cost.alternatives.map((other) => `${other.option}: ${aboutTime(other.seconds)}`) : [];
  process.stdout.write(
    `${[`${plan.indices.length} samples (${plan.draw}), audit subset of ${plan.audit.size}`, ...lines, total, ...cheaper].join("\n")}\n`,
  );
  return 0;
}

/** What a run asks of a model that can only be asked, if every sample resists every attack. */
interface AskedCost {
  readonly surrogate: number;
  readonly attacks: number;
  readonly audit: number;
  readonly queries: number;
  /** Null where nothing says how fast it answers. */
  readonly seconds: number | null;
  readonly cost: number;
}

function askedCost(
  { secondsPerQuery, costPerQuery }: Toll,
  surrogate: number,
  attacks: number,
  audit: number,
): AskedCost {
  const queries = surrogate + attacks + audit;
  const seconds = secondsPerQuery === null ? null : queries * secondsPerQuery;
  return { surrogate, attacks, audit, queries, seconds, cost: queries * costPerQuery };
}

function trainingLine({ queries, start, rounds }: SurrogateTraining): string {
  const own = `${plural(start, "sample")} that ${start === 1 ? "is" : "are"} not attacked`;
  return `A surrogate is trained from ${grouped(queries)} queries: ${own}, then what it proposes in ${plural(rounds, "round")}`;
}

function askedLines(
  { surrogate, attacks, audit, queries, seconds, cost }: AskedCost,
  given: AssessGiven,
  samples: number,
): string[] {
  const limit = budgetOf(given);
  const money = given.costPerQuery === undefined ? "" : `, which cost ${grouped(Math.ceil(cost))}`;
  const time = seconds === null ? "as long as it takes to answer them (say how fast with --rate)" : aboutTime(seconds);
  return [
    `At most ${grouped(queries)} queries${money}, ${time}: ${surrogate === 0 ? "" : `${grouped(surrogate)} for the surrogate, `}${grouped(attacks)} by attacks, ${grouped(audit)} for the curve and the checks; confirmations and probes come on top`,
    ...(limit < queries
      ? [`The budget stops it at ${grouped(limit)} queries: what is finished by then is kept, and can be resumed`]
      : []),
    ...shortBudget(limit - surrogate, attacks, samples),
    "Nothing was asked for this plan",
  ];
}
