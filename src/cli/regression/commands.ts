import { QUERIED, READING } from "../../report/option-groups.ts";

/** How versions are read, and asked where they can only be asked. */
const VERSION = [...READING, "schema", "mask", ...QUERIED] as const;

/** What a new version of a model is asked before it replaces the old one, as the table of commands takes it. */
export const REGRESSION_COMMANDS = [
  {
    name: "replay [id]",
    summary: "the corpus, or one sample of it, on one version: which it resists, and which it yields",
    options: ["model", "corpus", ...VERSION, "time", "out", "json", "quiet"],
    examples: [
      "replay --model v2.onnx",
      "replay 3fa9 --model v2.onnx",
      "replay --model v2.onnx --corpus boundary --json",
    ],
    load: () => import("./replay.ts"),
  },
  {
    name: "gate",
    summary: "a new version against the one before: what broke, what is really fixed (exit code 1: do not release)",
    options: [
      "model",
      "against",
      "corpus",
      ...VERSION,
      "data",
      "threat",
      "quantize",
      "samples",
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
      "report",
      "reproducers",
      "json",
      "quiet",
    ],
    examples: [
      "gate --model v2.onnx --against v1.onnx",
      "gate --model v2.onnx --against v1.onnx --data folder:held-out --samples 500 --fail-on newly-broken,clean-regression,drop",
      "gate --model v2.onnx --against v1.onnx --fail-on newly-broken,clean-regression,ratchet",
    ],
    load: () => import("./gate.ts"),
  },
  {
    name: "bless [dir]",
    summary: "accept what the last gate found as the baseline of the ratchet (by a person: refused in CI)",
    options: ["corpus", "reason", "by", "json"],
    examples: ["bless --reason 'hardened, reviewed with the product team'"],
    load: () => import("./bless.ts"),
  },
  {
    name: "bisect <id>",
    summary: "which of these versions, oldest first, broke a sample of the corpus",
    options: ["models", "corpus", ...VERSION, "json", "quiet"],
    examples: ["bisect 3fa94c01 --models v1.onnx v2.onnx v3.onnx"],
    load: () => import("./bisect.ts"),
  },
] as const;
