import type { Knowledge } from "../attacks/attack.ts";
import type { Finding } from "./schema.ts";

/** Ids and names as of MITRE ATLAS 5.6.1. */
const ATLAS_VERSION = "5.6.1";
const ATLAS_CRAFT: Record<Knowledge, { id: string; name: string }> = {
  "white-box": { id: "AML.T0043.000", name: "Craft Adversarial Data: White-Box Optimization" },
  score: { id: "AML.T0043.001", name: "Craft Adversarial Data: Black-Box Optimization" },
  label: { id: "AML.T0043.001", name: "Craft Adversarial Data: Black-Box Optimization" },
  transfer: { id: "AML.T0043.002", name: "Craft Adversarial Data: Black-Box Transfer" },
};

export function mappings(knowledge: Knowledge): Finding["mappings"] {
  return {
    atlas: [ATLAS_CRAFT[knowledge], { id: "AML.T0015", name: "Evade AI Model" }].map((technique) => ({
      ...technique,
      version: ATLAS_VERSION,
    })),
    owasp: ["ML01:2023"],
    // NIST AI 100-2 E2025: evasion, and black-box evasion.
    nist: [knowledge === "white-box" ? "NISTAML.022" : "NISTAML.025"],
    cwe: ["CWE-1039"],
    aiAct: ["Article 15(5)"],
  };
}
