import type { RiskInput } from "../assess/risk/declare.ts";
import { BlindspotError, type Problem } from "../base/errors.ts";
import {
  choice,
  day,
  Expected,
  fail,
  flag,
  knowledges,
  names,
  numbers,
  type OptionSpec,
  option,
  positive,
  ranges,
  repeated,
  samples,
  seconds,
  shape,
  share,
  text,
  wholeFrom,
} from "./option-readers.ts";
import { REPORTS } from "./regression/report-names.ts";

/** Every option of every command, once: its name here is its key in a config file. */
export const OPTIONS = {
  model: option(
    "--model <model>",
    "an .onnx file; or one that is only asked: FILE.mjs#EXPORT, https://..., cmd:PROGRAM (docs/endpoints.md)",
    text,
  ),
  adapter: option(
    "--adapter <name>",
    "how an endpoint is asked: kserve (Open Inference Protocol 2), openai-moderation (texts), or json:FILE",
    text,
  ),
  authorized: option(
    "--authorized <reference>",
    "the permission to attack somebody else's endpoint; it is stored in the result",
    text,
  ),
  bearer: option("--bearer <variable>", "environment variable that holds the endpoint's token", text),
  header: repeated("--header <name=variable>", "a header whose value is in an environment variable (repeatable)", text),
  answers: option(
    "--answers <kind>",
    "scores, or label: use no more of the answers (default: all that the target gives)",
    choice("scores", "label"),
  ),
  rate: option(
    "--rate <n>",
    "rows per second sent to a queried model (default: 10 to another machine, else unlimited)",
    positive,
  ),
  concurrency: option(
    "--concurrency <n>",
    "requests under way at once (default 4; functions and programs 1)",
    wholeFrom(1),
  ),
  requestRows: option("--request-rows <n>", "rows in a request (default 16; functions and programs 64)", wholeFrom(1)),
  timeout: option("--timeout <seconds>", "for one request (default 30)", seconds),
  retries: option("--retries <n>", "times that a failed request is sent again (default 5)", wholeFrom(0)),
  maxQueries: option("--max-queries <n>", "hard limit of rows sent in the whole run", wholeFrom(1)),
  costPerQuery: option("--cost-per-query <price>", "price of one row", positive),
  maxCost: option("--max-cost <price>", "hard limit of what the whole run costs", positive),
  journal: option(
    "--journal <file>",
    "where answers are kept, so that none is paid for twice (default: in the folder of the run)",
    text,
  ),
  startFrom: option(
    "--start-from <run>",
    "a stored run of an earlier version on the same data: what fooled that is tried first",
    text,
  ),
  against: option("--against <model>", "the version before, with which --model is compared", text),
  failOn: option(
    "--fail-on <outcomes>",
    "what ends with exit code 1 (default newly-broken,clean-regression); also known-weakness, moved, still-broken, unstable, ratchet, drop",
    names,
  ),
  report: option(
    "--report <names>",
    "files for people and CI systems: html (default), markdown, junit, sarif, github (summary and annotations)",
    (value) => names(value).map(choice(...REPORTS)),
  ),
  until: option("--until <day>", "YYYY-MM-DD, the last day on which it holds", day),
  maxNotEvaluated: option(
    "--max-not-evaluated <n>",
    "cases that may stay without an answer; more end with exit code 3 (default 0)",
    wholeFrom(0),
  ),
  models: option("--models <models...>", "two or more .onnx files", text),
  data: option(
    "--data <spec>",
    "folder:DIR, idx:IMAGES,LABELS, npz:FILE, records:FILE?shape=32x32x3, csv:FILE?label=COLUMN, libsvm:FILE; texts: tsv:FILE?text=COLUMN&label=COLUMN, jsonl:FILE?text=KEY&label=KEY",
    text,
  ),
  threat: repeated(
    "--threat <spec>",
    "what the attacker may change: linf:8/255, l2:0.5, l0:5 (pixels or fields), fields:2 (rows), text:invisible=2 (texts; repeatable)",
    text,
  ),
  schema: option("--schema <file>", "what rows hold and what may change in them, as JSON (docs/rows.md)", text),
  goal: option(
    "--goal <goal>",
    "untargeted (default), targeted:CLASS, targeted:next, targeted:least-likely, set:A,B",
    text,
  ),
  samples: option(
    "--samples <n>",
    "N (a seeded draw, stratified by class; default 1000), all, first:N, or index:17,18 (positions from 0)",
    samples,
  ),
  profile: option(
    "--profile <names>",
    "what the attacker knows: white-box, score, label, transfer (default: all that fit)",
    knowledges,
  ),
  attacks: option(
    "--attacks <names>",
    "a suite (standard, quick) or attacks, joined by commas (default standard)",
    names,
  ),
  surrogate: option(
    "--surrogate <model>",
    "the attacker's own model, an .onnx file, or train:N (from N answers of the target): adds the transfer profile",
    text,
  ),
  from: option("--from <class>", "only samples of this true class, by name or index", text),
  classes: option("--classes <names>", "class names in the order of the outputs, or a file with one a line", text),
  set: repeated("--set <assignment>", "one setting of one attack: pgd.stepSize=0.01 (repeatable)", text),
  seed: option("--seed <s>", "seed of every random choice (default 0)", wholeFrom(0)),
  queries: option("--queries <n>", "hard limit of queries for each attack on each sample", wholeFrom(1)),
  steps: option("--steps <n>", "steps, for every attack that has them", wholeFrom(1)),
  restarts: option("--restarts <n>", "restarts, for every attack that has them", wholeFrom(1)),
  time: option("--time <seconds>", "for the whole run; what is finished by then is kept", seconds),
  out: option("--out <path>", "where to write", text),
  format: option(
    "--format <name>",
    "html (default), one-page (prints on one A4 page), markdown (for a pull request), csv (all findings); of a gate also junit, sarif",
    choice("html", "one-page", "markdown", "csv", "junit", "sarif"),
  ),
  example: option(
    "--example <kind>",
    "also a model and data to try: image, rows or text",
    choice("image", "rows", "text"),
  ),
  pictures: option("--pictures <n>", "findings that are shown with pictures (default 60)", wholeFrom(0)),
  open: flag("--open", "open the file when it is written"),
  save: flag("--save", "keep the adversarial input of every profile, not only the nearest of each sample"),
  saveTo: option(
    "--save <dir>",
    "write the adversarial inputs, and check that they still succeed when read back",
    text,
  ),
  json: flag("--json", "print the result alone, as JSON"),
  quiet: flag("--quiet", "no progress"),
  quantize: option(
    "--quantize <bits>",
    "uint8: what an 8-bit file can hold; none: float32 (default: as the data is stored)",
    choice("uint8", "none"),
  ),
  inputRange: option(
    "--input-range <lo..hi>",
    "what the model's file expects of values (default 0..1); for vectors also one for each feature, joined by commas",
    ranges,
  ),
  mean: option("--mean <numbers>", "subtracted after scaling to 0..1; one number, or one per channel", numbers),
  std: option("--std <numbers>", "divides after the mean is subtracted", numbers),
  channels: option("--channels <order>", "channel order of the model: rgb or bgr", choice("rgb", "bgr")),
  layout: option(
    "--layout <layout>",
    "of the model's input: nchw or nhwc (default: from its shape)",
    choice("nchw", "nhwc"),
  ),
  shape: option("--shape <sizes>", "the model's input shape where the file leaves it open: input=1,3,224,224", shape),
  output: option("--output <name>", "the output that holds the scores, where there are several", text),
  mask: option("--mask <file>", "an .npy of 0 and 1: only where it is 1 may the input change", text),
  failUnder: option("--fail-under <share>", "exit with 1 if robust accuracy is below this", share),
  dryRun: flag("--dry-run", "show the plan: attacks, queries, time"),
  audit: flag(
    "--audit",
    "the whole audit protocol: also 1,000 random draws, and attacks with twice the effort, on the audit subset",
  ),
  active: flag(
    "--active",
    "plant adversarial inputs and masks, and check that the attacks see through them (with --audit: badge E3)",
  ),
  probe: flag("--no-probe", "do not question the preprocessing, even if accuracy is near chance"),
  loss: option(
    "--loss <name>",
    "cross-entropy (default), margin, dlr, targeted-cross-entropy, targeted-margin, targeted-dlr, other",
    choice("cross-entropy", "margin", "dlr", "targeted-cross-entropy", "targeted-margin", "targeted-dlr", "other"),
  ),
  validate: option(
    "--validate <spec>",
    "data by which epochs are chosen; apart from --data, and not for measuring",
    text,
  ),
  method: option(
    "--method <name>",
    "fgsm-rs, n-fgsm, pgd, trades, corpus, or none (what --regularize does alone)",
    choice("fgsm-rs", "n-fgsm", "pgd", "trades", "corpus", "none"),
  ),
  boundary: option("--boundary <spec>", "adversarial inputs with their true labels, for --method corpus", text),
  epochs: option("--epochs <n>", "passes over the training data (default 10)", wholeFrom(1)),
  batch: option("--batch <n>", "rows of a step (default 100)", wholeFrom(2)),
  optimizer: option("--optimizer <name>", "adamw (default), or sgd with momentum 0.9", choice("sgd", "adamw")),
  learningRate: option("--lr <rate>", "largest learning rate (default 0.001 for adamw, 0.01 for sgd)", positive),
  schedule: option(
    "--schedule <name>",
    "of the learning rate: cosine (default), triangle, steps, constant",
    choice("cosine", "triangle", "steps", "constant"),
  ),
  clipGradient: option(
    "--clip-gradient <norm>",
    "scale gradients down where their common L2 norm is above this",
    positive,
  ),
  epsilonRamp: option(
    "--epsilon-ramp <share>",
    "share of the training in which epsilon grows from 0 (default: the method's)",
    share,
  ),
  average: option("--average <decay>", "keep a moving average of the weights, such as 0.999, and write that", share),
  freeze: option("--freeze <names>", "weights that stay: names or their beginnings, * for anything", names),
  reinitialize: flag("--reinitialize", "start from fresh weights, not from the file's"),
  regularize: option(
    "--regularize <weights>",
    "input-gradient=W, weight-decay=W; label-smoothing=A is a control that only looks robust",
    text,
  ),
  beta: option("--beta <weight>", "of the divergence in trades (default 6)", positive),
  augment: option("--augment <how>", "vary training images: shift=PIXELS, flip", text),
  patience: option(
    "--patience <epochs>",
    "epochs without a better one after which to stop (default 5, 0: never)",
    wholeFrom(0),
  ),
  validateSamples: option("--validate-samples <n>", "of --validate, how many are watched (default 500)", wholeFrom(1)),
  allowOverlap: flag(
    "--allow-overlap",
    "accept inputs that were trained on in validation or evaluation; they are counted, and the result says so",
  ),
  detector: option(
    "--detector <what>",
    "fit: squeezing, mahalanobis, binary, or energy; evaluate: the file that fit wrote",
    text,
  ),
  falsePositives: option(
    "--false-positives <share>",
    "of clean inputs, how many may be rejected (default 0.05)",
    (value) => (positive(value) < 1 ? positive(value) : fail("a share above 0 and below 1, such as 0.05")),
  ),
  layer: option(
    "--layer <names>",
    "inner values whose features are looked at, joined by commas (default: what the last linear layer reads)",
    names,
  ),
  squeezers: option(
    "--squeezers <list>",
    "bit-depth=BITS,median=WIDTH (default: 1 bit for gray images, else 5; median of 2x2 for images)",
    text,
  ),
  test: option("--test <spec>", "held-out data: the model is attacked before and after, and both are compared", text),
  also: repeated(
    "--also <threat>",
    "measure under this threat too, not only under the one trained against (default: another norm of about the same size)",
    text,
  ),
  training: option(
    "--training <file>",
    "the .training.json of the model after (default: the one beside its file, if there is one)",
    text,
  ),
  detection: repeated("--detection <file>", "a result of detect evaluate for either model (repeatable)", text),
  cost: flag("--cost", "also time both models in turns, by the files that the runs name"),
  wrt: option("--wrt <names>", "inputs or weights to differentiate by (default: the float inputs)", names),
  exposure: option(
    "--exposure <who>",
    "who can reach the deployed model: public (default), internal, api-scores, api-labels",
    choice("public", "internal", "api-scores", "api-labels"),
  ),
  viewer: option(
    "--viewer <who>",
    "who looks at an input before it counts: none (default), machine, person",
    choice("none", "machine", "person"),
  ),
  impact: option("--impact <file>", "a .json file of what each mistake costs, 1 to 5 (docs/risk.md)", text),
  write: flag("--write", "keep it in the folder of the run, so that reports show it"),
  corpus: option("--corpus <dir>", "the boundary corpus (default boundary/, if it exists), or none", text),
  input: option(
    "--input <file>",
    "an image, an .npy array of float32 in 0..1, a row as .json, or a text as .txt",
    text,
  ),
  clean: option("--clean <file>", "the input that it was made from (import: a source of these)", text),
  for: option("--for <use>", "training: inputs and true classes as other programs read them", choice("training")),
  vouch: flag("--vouch", "you answer for the classes that the source claims"),
  memory: option("--memory <megabytes>", "for the process that opens the source (default 2048)", wholeFrom(64)),
  label: option("--label <class>", "its true class, by your word", text),
  kind: option(
    "--kind <kind>",
    "adversarial, natural (wrong without any attack), corruption, reported",
    choice("adversarial", "natural", "corruption", "reported"),
  ),
  group: option("--group <name>", "what belongs together: a track, a patient, a customer", text),
  note: option("--note <text>", "kept with it", text),
  by: option("--by <name>", "who says so (default: the name of your account)", text),
  reason: option("--reason <text>", "kept with it", text),
  fromRun: option("--from-run <dir>", "a stored run: its findings and natural errors", text),
  allNew: flag("--all-new", "every sample that was not finished for this model before"),
  pair: option("--pair <true:predicted>", "what it is and what it was taken for; * for any: stop:yield, stop:*", text),
  unlabelled: flag("--unlabelled", "only those that nobody has given a true class"),
  reproducers: option("--reproducers <file>", "also write all that the new version gets wrong, as a .zip", text),
  html: option("--html <file>", "also write a page for a browser", text),
  leaders: flag("--leaders", "one line for each group of samples that are alike: its first, and how many more"),
  limit: option("--limit <n>", "lines (default 50; 0: all)", wholeFrom(0)),
  config: option("--config <file>", "options from a file (default blindspot.config.json or .mjs, if it exists)", text),
  debug: flag("--debug", "stack traces"),
} as const;

export type OptionName = keyof typeof OPTIONS;
type Read<Spec> = Spec extends { read(text: string): infer T }
  ? Spec extends { repeatable: true }
    ? readonly T[]
    : T
  : never;
/** What a command receives: only what was given. */
export type Given = { readonly [Name in Exclude<OptionName, "models">]?: Read<(typeof OPTIONS)[Name]> } & {
  readonly models?: readonly string[];
  /** From a config file alone. */
  readonly risk?: RiskInput;
  /** From a config file: the policy of the gate, as its schema says. */
  readonly gate?: Readonly<Record<string, unknown>>;
};

/** Option name as typed: `--input-range`. */
export function longFlag(name: OptionName): string {
  return OPTIONS[name].flags.split(" ")[0]!;
}

/**
 * Reads raw texts (from the command line or a config file) by the table. All that is wrong is reported at once.
 * @param subject of messages: how the option was given
 */
export function readOptions(
  raw: Readonly<Record<string, unknown>>,
  allowed: readonly OptionName[],
  subject: (name: OptionName) => string,
): Given {
  const problems: Problem[] = [];
  const result: Record<string, unknown> = {};
  for (const name of allowed) {
    const value = raw[name];
    if (value === undefined) continue;
    const spec: OptionSpec<unknown> = OPTIONS[name];
    const read = (one: unknown) => {
      try {
        return spec.read(String(one));
      } catch (error) {
        if (!(error instanceof Expected)) throw error;
        problems.push({ code: "E_OPTION", subject: subject(name), expected: error.message, got: `'${String(one)}'` });
        return undefined;
      }
    };
    const many = spec.repeatable === true || name === "models";
    if (many) result[name] = (Array.isArray(value) ? value : [value]).map(read);
    else result[name] = read(Array.isArray(value) ? value.join(",") : value);
  }
  if (problems.length > 0) throw new BlindspotError(problems);
  return result as Given;
}

/** All options that a command can't do without and that are missing. */
export function requireOptions<Name extends OptionName & keyof Given>(
  given: Given,
  required: readonly Name[],
  command: string,
): Given & { [Key in Name]-?: NonNullable<Given[Key]> } {
  const problems = required
    .filter((name) => given[name] === undefined || (given[name] as unknown[]).length === 0)
    .map((name) => ({
      code: "E_OPTION_MISSING",
      subject: `blindspot ${command}`,
      expected: OPTIONS[name].flags,
      hint: `See blindspot ${command} --help`,
    }));
  if (problems.length > 0) throw new BlindspotError(problems);
  return given as Given & { [Key in Name]-?: NonNullable<Given[Key]> };
}
