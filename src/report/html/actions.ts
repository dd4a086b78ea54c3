import type { Result, Risk, ThreatResult } from "../../assess/schema.ts";
import { nextSteps } from "../advice.ts";
import { carried, commandLine } from "../command-line.ts";
import { grouped, plural } from "../format.ts";
import { type Content, html, type Markup } from "../markup.ts";
import { type Knowledge, threatName, WHO } from "../words.ts";
import { command, threatTitle } from "./view.ts";

type Mitigation = Risk["mitigations"][number];

/** Findings that call for the same measures, and those measures. */
interface Group {
  readonly title: string;
  readonly why: string;
  readonly measures: readonly Mitigation[];
  /** The query limit that is worth measuring, for attackers by query. */
  readonly queries?: number;
}

/** What to do about it: for each group of findings what helps, what MITRE ATLAS calls it, and the command to type. */
export function actions(result: Result): Markup {
  const { risk } = result;
  // Whoever reads this has the report open.
  const steps = nextSteps(result).filter(({ command: line }) => !line.startsWith(`${commandLine(["report"])} `));
  return html`<section id="actions"><h2>What to do about it</h2>
${result.threats.filter(({ attackSuccess }) => attackSuccess.fooled > 0).map((threat) => groupsOf(threat, risk?.mitigations ?? []).map((group) => box(result, threat, group)))}
${naturalErrors(result)}
${steps.length > 0 && html`<div class="box"><h3>Next</h3>${steps.map((step) => html`<p>${step.why}</p>${command(step.command)}`)}</div>`}
</section>
`;
}

/** One group for whoever attacks, and one for each kind of attacker that got through, with what hinders that kind alone. */
function groupsOf(threat: ThreatResult, mitigations: readonly Mitigation[]): Group[] {
  const { fooled, of } = threat.attackSuccess;
  const everybody: Group = {
    title: `Whoever attacks at ${threatTitle(threat)}`,
    why: `${grouped(fooled)} of ${plural(of, "correctly classified sample")} were fooled by some attacker.`,
    measures: mitigations.filter(({ against }) => against.length === ATTACKERS),
  };
  const special = threat.profiles.flatMap(({ knowledge, robustAccuracy }): Group[] => {
    const turned = of - robustAccuracy.unbroken;
    const measures = mitigations.filter(({ against }) => against.length < ATTACKERS && against.includes(knowledge));
    if (turned <= 0 || measures.length === 0) return [];
    const effort = medianQueries(threat, knowledge);
    const cost = effort === null ? "" : ` A median of ${plural(effort, "query", "queries")} was enough (audit subset).`;
    return [
      {
        title: `Against ${WHO[knowledge]}`,
        why: `${grouped(turned)} of ${grouped(of)} fooled.${cost}`,
        measures,
        ...(effort === null ? {} : { queries: effort }),
      },
    ];
  });
  return [everybody, ...special].filter(({ measures }) => measures.length > 0);
}

const ATTACKERS = Object.keys(WHO).length;

/** Of the profile's attack that broke most in the audit; null for gradients, whose queries nobody can limit. */
function medianQueries({ audit }: ThreatResult, knowledge: Knowledge): number | null {
  if (knowledge === "white-box" || knowledge === "transfer") return null;
  const attacks = audit.attacks.filter((attack) => attack.knowledge === knowledge);
  return attacks.sort((a, b) => b.succeeded - a.succeeded)[0]?.queries.median ?? null;
}

function box(result: Result, threat: ThreatResult, group: Group): Markup {
  const items = group.measures.map((measure) => {
    const line = typed(measure.id, result, threat, group);
    const { countermeasure, id, name } = measure;
    return html`<li>${countermeasure} <span class="muted small">${id} ${name}</span>${line !== null && command(line)}</li>`;
  });
  return html`<div class="box"><h3>${group.title}</h3><p>${group.why}</p><ul class="measures">${items}</ul></div>`;
}

/** The command that applies a countermeasure, or measures what it would leave open; null for what is done outside of Blindspot. */
function typed(id: string, result: Result, { id: threat, norm }: ThreatResult, { queries }: Group): string | null {
  const target = [...carried(result), "--threat", threatName(threat)];
  switch (id) {
    case "AML.M0003": {
      // Training needs gradients, in a norm that it can step in, and data that measures nothing.
      if (!result.model.gradient || (norm !== "linf" && norm !== "l2")) return null;
      const model = carried(result, ["data", "surrogate", "goal"]);
      const training = ["--data", "TRAIN", "--validate", "VAL", "--threat", threatName(threat)];
      return commandLine(["harden", ...model, ...training, "--method", "pgd", "--out", "hardened.onnx"]);
    }
    case "AML.M0008":
      return commandLine(["assess", ...target, "--audit"]);
    case "AML.M0002":
      return commandLine(["assess", ...target, "--profile", "label"]);
    case "AML.M0004": {
      if (queries === undefined) return null;
      const limit = String(Math.max(1, Math.floor(queries / 10)));
      return commandLine(["assess", ...target, "--profile", "score", "--queries", limit]);
    }
    default:
      return null;
  }
}

function naturalErrors({ clean }: Result): Content {
  const wrong = clean.of - clean.correct;
  if (wrong === 0) return null;
  return html`<div class="box"><h3>Wrong without any attack</h3><p>${plural(wrong, "sample")} of ${grouped(clean.of)}: look at them first, no attacker is needed. Labels may be wrong, or such inputs rare in training. <a href="#natural">The list</a></p></div>`;
}
