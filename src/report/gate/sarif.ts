import { take } from "../../base/take.ts";
import type { CaseFacts, Gated } from "../../regression/case-list.ts";
import type { GateCase } from "../../regression/schema.ts";
import { shortened, visible } from "../visible.ts";
import { BROKEN, manifestUri, standingOf } from "./attention.ts";
import { changeText, MEANINGS, outcomeText, reachedText, shownFirst, threatShort } from "./words.ts";

/** GitHub shows so many results of a run; those that need attention come first. */
const MOST = 5000;
/** Characters of a message that GitHub shows. */
const MESSAGE = 1024;
const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/** A gate as SARIF 2.1.0: a result for each sample that the candidate gets wrong, at the line of its manifest. */
export function gateSarif(result: Gated): string {
  const isBroken = ({ outcome }: CaseFacts) => BROKEN.has(outcome);
  const shown = take(shownFirst(result.cases, isBroken), MOST);
  const rules = [...new Set(shown.map(ruleId))].sort();
  const log = {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "Blindspot",
            semanticVersion: result.tool.version,
            rules: rules.map((id) =>
              ruleOf(
                id,
                shown.filter((one) => ruleId(one) === id),
              ),
            ),
          },
        },
        automationDetails: { id: `blindspot/${encodeURIComponent(result.candidate.name)}/` },
        invocations: [{ executionSuccessful: result.status === "complete", exitCode: result.verdict.exitCode }],
        results: shown.map((one) => resultOf(result, one, rules.indexOf(ruleId(one)))),
        properties: { leftOut: result.cases.count(isBroken) - shown.length },
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

/** The kind of weakness: `image/linf-evasion`, `row/fields-evasion`, `image/natural-error`. */
function ruleId({ modality, threat, kinds }: GateCase): string {
  return threat === null
    ? `${modality}/${kinds[0] ?? "reported"}-error`
    : `${modality}/${threat.split(":")[0]}-evasion`;
}

function ruleOf(id: string, cases: readonly GateCase[]) {
  const attacked = cases.some(({ threat }) => threat !== null);
  const text = attacked
    ? "A change within the stated threat makes the classifier answer a wrong class."
    : "The classifier is wrong about an input that nobody attacked.";
  return {
    id,
    name: id.replaceAll(/(^|[^a-zA-Z0-9]+)([a-zA-Z0-9])/g, (_, __, letter: string) => letter.toUpperCase()),
    shortDescription: { text: attacked ? `Evasion: ${id}` : `Error: ${id}` },
    fullDescription: { text },
    help: {
      text: "npx blindspot corpus show ID tells the sample; npx blindspot harden closes weaknesses of this kind.",
    },
    defaultConfiguration: { level: "warning" },
    properties: {
      tags: ["security", "machine-learning", "external/cwe/cwe-1039"],
      "security-severity": severityOf(cases).toFixed(1),
    },
  };
}

/** 4.0; 2.0 more where at most two fields, or one word, are enough; 1.5 more where an attacker without gradients needed at most 100 queries. */
function severityOf(cases: readonly GateCase[]): number {
  const small = cases.some(({ threat }) => /^(fields:[12]|text:words=1);/.test(threat ?? ""));
  const cheap = cases.some(({ attacked }) =>
    attacked?.attempts.some(
      ({ outcome, knowledge, queries }) => outcome === "fooled" && knowledge !== "white-box" && queries <= 100,
    ),
  );
  return 4 + (small ? 2 : 0) + (cheap ? 1.5 : 0);
}

function resultOf(result: Gated, one: GateCase, ruleIndex: number) {
  const { sample, outcome, label, waiver } = one;
  const fresh = outcome === "newly-broken" || outcome === "clean-regression";
  const text = `${outcomeText(outcome)}: ${label} is taken for ${reachedText(one)} (sample ${sample.slice(0, 12)}). ${changeText(one)}. It means: ${MEANINGS[outcome]}.`;
  return {
    ruleId: ruleId(one),
    ruleIndex,
    // SARIF 2.1.0, 3.27.10: only what fails has a level.
    ...(one.trusted
      ? { kind: "fail", level: standingOf(result, one) === "failed" ? "error" : "warning" }
      : { kind: "review", level: "none" }),
    message: { text: shortened(visible(text), MESSAGE) },
    locations: [
      { physicalLocation: { artifactLocation: { uri: manifestUri(result, one) }, region: { startLine: 1 } } },
    ],
    partialFingerprints: { "boundarySample/v1": `${sample}:${threatShort(one.threat)}` },
    baselineState: fresh ? "new" : "unchanged",
    ...(waiver === undefined || waiver.expired
      ? {}
      : {
          suppressions: [
            { kind: "external", status: "accepted", justification: visible(`${waiver.by}: ${waiver.reason}`) },
          ],
        }),
  };
}
