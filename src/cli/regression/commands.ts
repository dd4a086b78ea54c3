import type { OptionName } from "../options.ts";

const READING = [
  "inputRange",
  "mean",
  "std",
  "channels",
  "layout",
  "shape",
  "output",
  "classes",
] as const satisfies readonly OptionName[];

/** What a new version of a model is asked before it replaces the old one, as the table of commands takes it. */
export const REGRESSION_COMMANDS = [
  {
    name: "replay",
    summary: "the corpus on one version: which samples it resists, and which it yields",
    options: ["model", "corpus", ...READING, "time", "out", "json", "quiet"],
    examples: ["replay --model v2.onnx", "replay --model v2.onnx --corpus boundary --json"],
    load: () => import("./replay.ts"),
  },
  {
    name: "gate",
    summary: "a new version against the one before: what broke, what is really fixed (exit code 1: do not release)",
    options: [
      "model",
      "against",
      "corpus",
      ...READING,
      "attacks",
      "profile",
      "set",
      "queries",
      "steps",
      "restarts",
      "seed",
      "failOn",
      "maxNotEvaluated",
      "time",
      "out",
      "json",
      "quiet",
    ],
    examples: [
      "gate --model v2.onnx --against v1.onnx",
      "gate --model v2.onnx --against v1.onnx --fail-on newly-broken,clean-regression,moved",
    ],
    load: () => import("./gate.ts"),
  },
] as const;
