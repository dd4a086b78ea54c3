import type { Declared, ProfileRisk, Result, Risk, ThreatRisk } from "../assess/schema.ts";
import { grouped, percent, plural, table } from "./format.ts";
import { visible } from "./visible.ts";

const EXPOSURE: Record<Declared["exposure"], string> = {
  public: "anybody may have the model (public)",
  internal: "an insider may have the model (internal)",
  "api-scores": "scores by query (api-scores)",
  "api-labels": "labels by query (api-labels)",
};
const VIEWER: Record<Declared["viewer"], string> = {
  none: "nobody looks at the inputs (none)",
  machine: "machines look at the inputs (machine)",
  person: "a person looks at the inputs (person)",
};
/** Mistakes that are listed for each threat; --json has all of them. */
const PAIRS = 8;

/** The risk of a run as a page of text for a terminal: a pure function of the result and its risk. */
export function riskPage(result: Result, risk: Risk): string {
  const lines = [
    `Risk of ${result.model.name} on ${result.data.spec} (${risk.formula}, badge ${result.badge})`,
    "",
    ...declaredLines(risk.declared),
    ...risk.threats.flatMap(threatLines),
    ...catalogLines(risk),
  ];
  return `${lines.map(visible).join("\n")}\n`;
}

function declaredLines({ exposure, viewer, impact, assessed }: Declared): string[] {
  const most = impact.pairs.reduce((largest, pair) => Math.max(largest, pair.impact), impact.default);
  const pairs = plural(impact.pairs.length, "declared impact");
  const cost = assessed
    ? `${pairs}; else ${impact.default}${impact.defaultDeclared ? "" : " (not assessed)"}; at most ${most}`
    : `not assessed: ${impact.default} of 5 for every mistake. Declare it with --impact FILE or in a config file`;
  return [`Exposure   ${EXPOSURE[exposure]}`, `Viewer     ${VIEWER[viewer]}`, `Impact     ${cost}`, ""];
}

function threatLines({ threat, profiles, severity, pairs, arithmetic }: ThreatRisk): string[] {
  return [
    `Under ${threat}: ${severity.shown}`,
    ...profileTable(profiles).map((line) => `  ${line}`),
    `  ${arithmetic}`,
    "",
    ...(pairs.length === 0 ? [] : [...pairTable(pairs).map((line) => `  ${line}`), ""]),
  ];
}

function profileTable(profiles: readonly ProfileRisk[]): string[] {
  const rows = profiles.map((profile) => [
    profile.knowledge,
    profile.inReach ? "yes" : "no",
    `${grouped(profile.fooled)} of ${grouped(profile.of)}`,
    percent(profile.p),
    percent(profile.pHigh),
    profile.medianQueries === null ? "-" : grouped(profile.medianQueries),
    String(profile.effort),
    String(profile.stealth),
    profile.likelihood.toFixed(3),
    profile.likelihoodHigh.toFixed(3),
  ]);
  const head = ["", "in reach", "fooled", "p", "at most", "median queries", "effort", "stealth", "L", "at most"];
  return table([head, ...rows], ["left", ...head.slice(1).map(() => "right" as const)]);
}

function pairTable(pairs: ThreatRisk["pairs"]): string[] {
  const rows = pairs
    .slice(0, PAIRS)
    .map(({ true: from, wrong, samples, impact, source, shown }) => [
      `${from} taken for ${wrong}`,
      grouped(samples),
      `${impact}${source === "default" ? " (not assessed)" : ""}`,
      shown,
    ]);
  const more = pairs.length > PAIRS ? [`and ${plural(pairs.length - PAIRS, "other mistake")}: see --json`] : [];
  return [
    ...table([["mistake", "samples", "impact", "severity"], ...rows], ["left", "right", "left", "left"]),
    ...more,
  ];
}

function catalogLines({ mappings, catalogs }: Risk): string[] {
  const { atlas, owasp, nist, cwe, aiAct } = mappings;
  return [
    `Mapped to  ${[...atlas.map(({ id }) => id), ...owasp, ...nist, ...cwe].join(", ")}`,
    `           evidence toward EU AI Act ${aiAct.join(", ")}; not a statement of compliance`,
    `           ${catalogs.map(({ name, version }) => `${name} ${version}`).join("; ")}`,
  ];
}
