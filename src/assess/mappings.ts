import type { Knowledge } from "../attacks/attack.ts";
import type { Finding, Risk } from "./schema.ts";

/**
 * Identifiers of public catalogs, and the version that each is taken from: the one home of both. Ids outlive names, so files always
 * hold ids, with the version beside them.
 */
const ATLAS_VERSION = "5.6.1";

export const CATALOGS: Risk["catalogs"] = [
  { name: "MITRE ATLAS", version: ATLAS_VERSION },
  { name: "OWASP Machine Learning Security Top 10", version: "2023" },
  { name: "NIST AI 100-2", version: "E2025" },
  { name: "CWE", version: "4.17" },
  { name: "EU AI Act", version: "Regulation (EU) 2024/1689" },
];

type Mappings = Finding["mappings"];

const ATLAS_CRAFT: Record<Knowledge, { id: string; name: string }> = {
  "white-box": { id: "AML.T0043.000", name: "Craft Adversarial Data: White-Box Optimization" },
  score: { id: "AML.T0043.001", name: "Craft Adversarial Data: Black-Box Optimization" },
  label: { id: "AML.T0043.001", name: "Craft Adversarial Data: Black-Box Optimization" },
  transfer: { id: "AML.T0043.002", name: "Craft Adversarial Data: Black-Box Transfer" },
};
const ATLAS_EVADE = { id: "AML.T0015", name: "Evade AI Model" };

/** NIST AI 100-2 E2025: evasion, and black-box evasion. */
const NIST_EVASION = "NISTAML.022";
const NIST_BLACK_BOX_EVASION = "NISTAML.025";

const atlas = (entry: { id: string; name: string }) => ({ ...entry, version: ATLAS_VERSION });

/** What an adversarial input of an attacker of this kind is, in the words of each catalog. */
export function mappings(knowledge: Knowledge): Mappings {
  return {
    atlas: [atlas(ATLAS_CRAFT[knowledge]), atlas(ATLAS_EVADE)],
    owasp: ["ML01:2023"],
    nist: [knowledge === "white-box" ? NIST_EVASION : NIST_BLACK_BOX_EVASION],
    cwe: ["CWE-1039"],
    // Evidence toward the resilience that it asks for; never a statement of compliance.
    aiAct: ["Article 15(5)"],
  };
}

/** The same of several kinds of attackers: each id once. */
export function mappingsOf(attackers: readonly Knowledge[]): Mappings {
  const all = attackers.map(mappings);
  const techniques = [...all.flatMap((one) => one.atlas), atlas(ATLAS_EVADE)];
  return {
    atlas: [...new Map(techniques.map((technique) => [technique.id, technique])).values()].sort((a, b) =>
      a.id < b.id ? -1 : 1,
    ),
    owasp: ["ML01:2023"],
    nist: [...new Set(all.flatMap((one) => one.nist))].sort(),
    cwe: ["CWE-1039"],
    aiAct: ["Article 15(5)"],
  };
}

const ALL: readonly Knowledge[] = ["white-box", "score", "label", "transfer"];
const BY_QUERY: readonly Knowledge[] = ["score", "label"];

/** Countermeasures, the attackers that each hinders, and what ATLAS calls it. */
const COUNTERMEASURES: readonly [string, readonly Knowledge[], id: string, name: string][] = [
  ["adversarial or certified training", ALL, "AML.M0003", "Model Hardening"],
  ["detection of adversarial inputs", ALL, "AML.M0015", "Adversarial Input Detection"],
  ["input transformation", ALL, "AML.M0010", "Input Restoration"],
  ["several models that must agree", ["label", "score", "transfer"], "AML.M0006", "Use Ensemble Methods"],
  ["labels or rounded scores instead of scores", ["score"], "AML.M0002", "Passive AI Output Obfuscation"],
  ["a limit of queries for each client", BY_QUERY, "AML.M0004", "Restrict Number of AI Model Queries"],
  ["logs that show series of alike queries", BY_QUERY, "AML.M0024", "AI Telemetry Logging"],
  ["access control of the service", BY_QUERY, "AML.M0019", "Control Access to AI Models and Data in Production"],
  ["access control of the model's file", ["white-box"], "AML.M0005", "Control Access to AI Models and Data at Rest"],
  ["the model's file not published", ["white-box", "transfer"], "AML.M0001", "Limit Model Artifact Release"],
  ["assessment of each release", ALL, "AML.M0008", "Validate AI Model"],
];

export const MITIGATIONS: Risk["mitigations"] = COUNTERMEASURES.map(([countermeasure, against, id, name]) => ({
  countermeasure,
  against: [...against],
  ...atlas({ id, name }),
}));
