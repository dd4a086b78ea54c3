import { READING } from "../../report/option-groups.ts";
import type { OptionName } from "../options.ts";

const FILTER = ["kind", "pair", "threat", "group", "unlabelled"] as const satisfies readonly OptionName[];

/** Every `blindspot corpus ...`, as the table of commands takes them. */
export const CORPUS_COMMANDS = [
  {
    name: "corpus add",
    summary: "store an input that was reported to you, or all that a stored run found",
    options: ["corpus", "input", "label", "clean", "kind", "group", "note", "by", "fromRun", "json"],
    examples: [
      "corpus add --input photo.png --label stop --kind reported",
      "corpus add --input photo.png",
      "corpus add --from-run .blindspot/runs/signs",
    ],
    load: () => import("./add.ts"),
  },
  {
    name: "corpus ls",
    summary: "the samples, newest first",
    options: ["corpus", ...FILTER, "leaders", "limit", "json", "quiet"],
    typedOnly: [...FILTER, "leaders"],
    examples: ["corpus ls", "corpus ls --kind natural --pair stop:*", "corpus ls --unlabelled", "corpus ls --leaders"],
    load: () => import("./ls.ts"),
  },
  {
    name: "corpus show <id>",
    summary: "one sample and all that happened to it; the first digits of its id are enough",
    options: ["corpus", "json", "quiet"],
    examples: ["corpus show 3fa9"],
    load: () => import("./show.ts"),
  },
  {
    name: "corpus stats",
    summary: "samples by kind, class pair, threat and attack; growth over models; which boundary cells have samples",
    options: ["corpus", "html", "json", "quiet"],
    examples: ["corpus stats", "corpus stats --html boundary.html"],
    load: () => import("./stats.ts"),
  },
  {
    name: "corpus reindex",
    summary: "make the index of a large corpus anew; it is never needed, and never wrong for long",
    options: ["corpus", "json", "quiet"],
    examples: ["corpus reindex"],
    load: () => import("./reindex.ts"),
  },
  {
    name: "corpus verify",
    summary: "read every file and every input, and compare each with its name (exit code 1 if something is damaged)",
    options: ["corpus", "json"],
    examples: ["corpus verify"],
    load: () => import("./verify.ts"),
  },
  {
    name: "corpus corrupt",
    summary: "what noise, blur, light, JPEG and small turns do to a model; the images that fail are stored",
    options: ["model", ...READING, "data", "samples", "seed", "corpus", "probe", "json", "quiet"],
    examples: ["corpus corrupt --model model.onnx --data folder:images --samples 200"],
    load: () => import("./corrupt.ts"),
  },
  {
    name: "corpus merge <dir>",
    summary: "add all that another corpus holds",
    options: ["corpus", "json"],
    examples: ["corpus merge ../other-branch/boundary"],
    load: () => import("./merge.ts"),
  },
  {
    name: "corpus import <spec>",
    summary: "take in inputs that other tools made; they count once a model was seen to get them wrong, or you vouch",
    options: [
      "model",
      ...READING,
      "schema",
      "corpus",
      "clean",
      "kind",
      "threat",
      "vouch",
      "by",
      "memory",
      "time",
      "json",
      "quiet",
    ],
    examples: [
      "corpus import 'npz:art.npz?x=x_adv' --clean 'npz:art.npz?x=x_test' --model model.onnx --threat linf:8/255",
      "corpus import textattack:log.csv --model model.onnx",
      "corpus import folder:misread --kind natural --vouch",
      "corpus import bundle:theirs.jsonl --model model.onnx",
    ],
    load: () => import("./import.ts"),
  },
  {
    name: "corpus export",
    summary: "write samples as a corpus of their own, as one file (.jsonl), or for training in any framework",
    options: ["corpus", ...FILTER, "for", "classes", "schema", "out", "json"],
    typedOnly: FILTER,
    examples: [
      "corpus export --pair stop:* --out for-review",
      "corpus export --out bundle.jsonl",
      "corpus export --for training --out boundary.npz",
      "corpus export --for training --out images",
      "corpus export --for training --out texts.jsonl",
    ],
    load: () => import("./export.ts"),
  },
  {
    name: "corpus waive <id>",
    summary: "let a sample pass the gate until a day; who answers for it and why stays in the corpus",
    options: ["corpus", "reason", "until", "by", "json"],
    examples: ["corpus waive 3fa94c01 --reason 'fixed in the next release' --until 2027-01-31"],
    load: () => import("./waive.ts"),
  },
  {
    name: "corpus forget <id>",
    summary: "remove the inputs of a sample for good; a tombstone stays",
    options: ["corpus", "reason", "by", "json"],
    examples: ["corpus forget 3fa94c01 --reason 'shows a person'"],
    load: () => import("./forget.ts"),
  },
] as const;
