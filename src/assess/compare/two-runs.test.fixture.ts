import { RESULT, THREAT } from "../../report/stored-run.test.fixture.ts";
import { drawAudit } from "../audit.ts";
import type { Result, SampleLine, TrainingFacts } from "../schema.ts";
import type { StoredRun } from "../store.ts";

/** What became of a sample: `x` wrong without attack, `w` fooled white-box, `s` by scores, `b` by both, `.` stands, `e` error. */
export type Fate = "x" | "w" | "s" | "b" | "." | "e";

const PROFILES = [
  { knowledge: "white-box", attack: "pgd", fooled: "wb" },
  { knowledge: "score", attack: "square", fooled: "sb" },
] as const;

const attempt = (attack: string, outcome: "fooled" | "resisted" | "error") => ({
  attack,
  outcome,
  queries: 10,
  gradients: 0,
  verifications: 1,
  rejected: 0,
  seconds: 0,
});

/** A line as `assess` writes it; members of `more` replace its own. */
function line(index: number, fate: Fate, audited: boolean, more: Partial<SampleLine>): SampleLine {
  const outcomes = PROFILES.map(({ knowledge, attack, fooled }) => {
    const outcome =
      fate === "e" ? ("error" as const) : fooled.includes(fate) ? ("fooled" as const) : ("resisted" as const);
    return { knowledge, attack, outcome };
  });
  const fooled = outcomes.some(({ outcome }) => outcome === "fooled");
  const wrong = fate === "x";
  return {
    threat: THREAT.id,
    sample: `img-${index}`,
    index,
    label: index % 2,
    input: index.toString(16).padStart(64, "0"),
    status: wrong ? "misclassified" : fate === "e" ? "error" : fooled ? "fooled" : "resisted",
    predicted: { before: wrong ? 1 - (index % 2) : index % 2, after: fooled ? 1 - (index % 2) : null },
    profiles: wrong
      ? {}
      : Object.fromEntries(
          outcomes.map(({ knowledge, attack, outcome }) => [
            knowledge,
            {
              status: outcome,
              attack: outcome === "fooled" ? attack : null,
              distance: null,
              predicted: null,
              queries: 10,
              gradients: 0,
              attempts: [attempt(attack, outcome)],
            },
          ]),
        ),
    audit:
      wrong || !audited
        ? null
        : outcomes.map(({ knowledge, attack, outcome }) => ({ ...attempt(attack, outcome), knowledge })),
    ...more,
  };
}

const profile = (knowledge: "white-box" | "score", name: string) => ({
  ...THREAT.profiles[0]!,
  knowledge,
  attacks: [{ ...THREAT.profiles[0]!.attacks[0]!, name, settings: { steps: 20, restarts: 1 } }],
});

export const THREATS: Result["threats"] = [
  { ...THREAT, profiles: [profile("white-box", "pgd"), profile("score", "square")] },
];

/** A run in which these became of the samples, in the order of their indices. */
export function runOf(
  fates: string,
  result: Partial<Result> = {},
  more: (index: number) => Partial<SampleLine> = () => ({}),
): StoredRun {
  const indices = Array.from(fates, (_, index) => index);
  const audit = drawAudit(indices, RESULT.seed);
  return {
    result: { ...RESULT, threats: THREATS, checks: [], ...result },
    samples: indices.map((index) => line(index, fates[index] as Fate, audit.has(index), more(index))),
    findings: [],
    problems: [],
    blob: async () => null,
  };
}

const digest = (digit: string) => digit.repeat(64);
/** Hash of the model of the run after. */
export const HARDENED = digest("b");

export const TRAINING: TrainingFacts = {
  log: digest("c"),
  model: RESULT.model.sha256!,
  hardened: HARDENED,
  method: "pgd",
  crafting: ["pgd"],
  threat: THREAT.id,
  settings: { epochs: 5, batch: 100 },
  epochs: 5,
  epoch: 4,
  stopped: null,
  seconds: 61.5,
  samplesPerSecond: 480,
  train: { spec: "npz:train.npz", sha256: digest("d"), rows: 4000 },
  validate: { spec: "npz:choose.npz", sha256: digest("e"), rows: 500 },
  boundary: null,
  trainedOn: { inputs: 4000, sha256: digest("f") },
  validationOverlap: 0,
};

export const AFTER: Partial<Result> = { model: { ...RESULT.model, name: "hardened.onnx", sha256: HARDENED } };
