import { QUERIED, READING } from "../report/option-groups.ts";
import { CORPUS_COMMANDS } from "./corpus/commands.ts";
import type { Given, OptionName } from "./options.ts";
import { REGRESSION_COMMANDS } from "./regression/commands.ts";

export interface CommandModule {
  /** Returns the exit code. */
  run(given: Given, args: readonly string[]): Promise<number>;
}

export interface CommandDefinition {
  /** With its arguments, as commander takes it; of two words before them the first is a group of commands. */
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionName[];
  /** Options that a config file does not set: its threat is what is attacked, and no filter of lists. */
  readonly typedOnly?: readonly OptionName[];
  readonly examples: readonly string[];
  /** Loaded when it runs, so that --help is instant. */
  load(): Promise<CommandModule>;
}

const MODEL = ["model", ...READING] as const;
const ATTACK = [
  "data",
  "schema",
  "threat",
  "goal",
  "quantize",
  "mask",
  "samples",
  "set",
  "seed",
  "queries",
  "steps",
  "restarts",
  "surrogate",
] as const;
const RISK = ["exposure", "viewer", "impact"] as const;
const OUTPUT = ["json", "quiet"] as const;

/** What a group of commands is about. */
export const GROUPS: Readonly<Record<string, string>> = {
  corpus: "the collection of boundary samples: what the model got wrong, kept as tests for every later version",
};

export const COMMANDS: readonly CommandDefinition[] = [
  {
    name: "assess",
    summary: "attack a classifier as the threats say, and measure what stands",
    options: [
      ...MODEL,
      ...ATTACK,
      "attacks",
      "profile",
      "startFrom",
      "time",
      "out",
      "save",
      "audit",
      "active",
      "allowOverlap",
      "dryRun",
      "probe",
      "failUnder",
      "corpus",
      ...QUERIED,
      "journal",
      ...RISK,
      ...OUTPUT,
    ],
    examples: [
      "assess --model model.onnx --data folder:images --threat linf:8/255",
      "assess --model model.onnx --data npz:test.npz --threat linf:2/255 --threat l2:0.5 --attacks quick",
      "assess --model loans.onnx --data csv:loans.csv?label=decision --schema schema.json --threat fields:2",
      "assess --model filter.onnx --data 'tsv:messages.tsv?header=no&label=0&text=1&quote=none' --threat text:invisible=2",
      "assess --model http://localhost:8000/v2/models/signs --adapter kserve --data folder:images --threat linf:8/255 --max-queries 20000",
      "assess --model v2.onnx --data folder:images --threat linf:8/255 --start-from .blindspot/runs/v1",
      "assess --model model.onnx --data idx:images.gz,labels.gz --threat linf:0.1 --quantize none --samples all",
    ],
    load: () => import("./commands/assess.ts"),
  },
  {
    name: "attack <name>",
    summary: "run one attack, and save the inputs that fool the model",
    options: [...MODEL, ...ATTACK, "time", "saveTo", "probe", ...QUERIED, "journal", ...OUTPUT],
    examples: [
      "attack pgd --model model.onnx --data folder:images --threat linf:8/255 --save adversarial",
      "attack square --model model.onnx --data npz:test.npz --threat l2:0.5 --queries 500 --samples 50",
    ],
    load: () => import("./commands/attack.ts"),
  },
  ...CORPUS_COMMANDS,
  ...REGRESSION_COMMANDS,
  {
    name: "minimize [ids...]",
    summary: "shrink samples of the corpus to the fewest pixels or fields, and harden the ones that a gate replays",
    options: [...MODEL, ...QUERIED, "schema", "corpus", "allNew", "queries", "time", ...OUTPUT],
    examples: [
      "minimize --all-new --model model.onnx",
      "minimize --all-new --model model.onnx --queries 300 --time 600",
      "minimize 3fa94c01 --model model.onnx",
      "minimize --all-new --model https://127.0.0.1:8080/v2/models/signs --adapter kserve --queries 200 --max-queries 5000",
    ],
    load: () => import("./commands/minimize.ts"),
  },
  {
    name: "risk <dir>",
    summary: "the risk of a stored run, by the deployment that you declare",
    options: [...RISK, "write", "json"],
    examples: [
      "risk .blindspot/runs/signs --exposure api-labels --viewer person",
      "risk .blindspot/runs/signs --impact impact.json --write",
    ],
    load: () => import("./commands/risk.ts"),
  },
  {
    name: "harden",
    summary: "train a classifier to withstand a threat, and write it as the same ONNX file with other weights",
    options: [
      ...MODEL,
      "data",
      "validate",
      "threat",
      "quantize",
      "mask",
      "method",
      "boundary",
      "epochs",
      "batch",
      "optimizer",
      "learningRate",
      "schedule",
      "steps",
      "beta",
      "epsilonRamp",
      "clipGradient",
      "average",
      "regularize",
      "augment",
      "freeze",
      "reinitialize",
      "patience",
      "validateSamples",
      "test",
      "also",
      "samples",
      "attacks",
      "profile",
      "surrogate",
      "queries",
      "allowOverlap",
      "seed",
      "out",
      "probe",
      ...OUTPUT,
    ],
    examples: [
      "harden --model model.onnx --data folder:train --validate folder:choose --threat linf:8/255 --method pgd --out hardened.onnx",
      "harden --model m.onnx --data npz:a.npz --validate npz:b.npz --test npz:c.npz --threat linf:0.1 --method n-fgsm --out hardened.onnx",
      "harden --model m.onnx --data npz:a.npz --validate npz:b.npz --threat l2:0.5 --method trades --beta 3 --out hardened.onnx",
      "harden --model m.onnx --data npz:a.npz --validate npz:b.npz --threat linf:0.1 --regularize input-gradient=0.1 --out hardened.onnx",
    ],
    load: () => import("./commands/harden.ts"),
  },
  {
    name: "detect <step>",
    summary: "fit: put a detector of adversarial inputs into the model's file; evaluate: attack both together",
    options: [
      ...MODEL,
      "data",
      "validate",
      "threat",
      "quantize",
      "mask",
      "detector",
      "falsePositives",
      "layer",
      "squeezers",
      "samples",
      "allowOverlap",
      "seed",
      "out",
      "probe",
      ...OUTPUT,
    ],
    examples: [
      "detect fit --model m.onnx --data npz:fit.npz --validate npz:choose.npz --threat linf:0.3 --detector mahalanobis --out guarded.onnx",
      "detect fit --model m.onnx --data folder:a --validate folder:b --threat linf:8/255 --detector squeezing --false-positives 0.01 --out guarded.onnx",
      "detect evaluate --model m.onnx --detector guarded.onnx --data npz:test.npz --samples 200 --out detection.json",
    ],
    load: () => import("./commands/detect.ts"),
  },
  {
    name: "diff <before> <after>",
    summary:
      "two stored runs pair by pair: what a change of the model gained, lost and cost; or two gates case by case",
    options: ["training", "detection", "allowOverlap", "cost", "out", "open", ...OUTPUT],
    examples: [
      "diff .blindspot/runs/natural .blindspot/runs/hardened --out comparison --open",
      "diff natural hardened --training hardened.training.json --cost --json",
    ],
    load: () => import("./commands/diff.ts"),
  },
  {
    name: "transfer",
    summary: "how well inputs made against one model fool another: the matrix, with intervals",
    options: [
      "models",
      ...READING,
      "data",
      "threat",
      "goal",
      "quantize",
      "mask",
      "samples",
      "set",
      "seed",
      "steps",
      "attacks",
      "probe",
      ...OUTPUT,
    ],
    examples: ["transfer --models a.onnx b.onnx c.onnx --data npz:test.npz --threat linf:8/255 --samples 200"],
    load: () => import("./commands/transfer.ts"),
  },
  {
    name: "gradient",
    summary: "write a model that also computes a loss and its gradient, for any ONNX runtime",
    options: ["model", "loss", "wrt", "output", "out", "json"],
    examples: ["gradient --model model.onnx --loss cross-entropy --out model.gradient.onnx"],
    load: () => import("./commands/gradient.ts"),
  },
  {
    name: "inspect [model]",
    summary: "what a model is, what it expects, and which of its operators have gradients",
    options: [...MODEL, "data", "schema", "quantize", ...QUERIED, "journal", "json"],
    examples: [
      "inspect model.onnx",
      "inspect model.onnx --data folder:images",
      "inspect loans.onnx --schema schema.json",
    ],
    load: () => import("./commands/inspect.ts"),
  },
  {
    name: "init",
    summary: "write a config and a workflow for CI; with --data a first schema of the rows of a table, to be edited",
    options: ["data", "out", "example", "quiet"],
    examples: ["init", "init --example image", "init --data csv:loans.csv?label=decision --out schema.json"],
    load: () => import("./commands/init.ts"),
  },
  {
    name: "attacks",
    summary: "the attacks and suites, with their settings",
    options: ["json"],
    examples: ["attacks"],
    load: () => import("./commands/attacks.ts"),
  },
  {
    name: "exercise [name]",
    summary: "small lessons to take apart, on the bundled road signs or on your own model and data",
    options: [
      ...MODEL,
      "data",
      "threat",
      "goal",
      "quantize",
      "mask",
      "samples",
      "from",
      "seed",
      "queries",
      "steps",
      "surrogate",
      "out",
      "probe",
      ...OUTPUT,
    ],
    examples: [
      "exercise",
      "exercise fgsm-by-hand",
      "exercise targeted --from stop --goal 'targeted:speed limit 100'",
      "exercise explain-it-back --model model.onnx --data folder:images",
    ],
    load: () => import("./commands/exercise.ts"),
  },
  {
    name: "report <dir>",
    summary: "the report of a stored run or gate, in the form you need (--out - prints it)",
    options: ["format", "out", "pictures", "open", "quiet"],
    examples: [
      "report .blindspot/runs/demo --open",
      "report .blindspot/runs/demo --format one-page",
      "report .blindspot/runs/demo --format markdown --out -",
      "report .blindspot/gate --format junit",
    ],
    load: () => import("./commands/report.ts"),
  },
  {
    name: "doctor",
    summary: "whether everything that Blindspot needs works here",
    options: ["json"],
    examples: ["doctor"],
    load: () => import("./commands/doctor.ts"),
  },
];
