import { BlindspotError, describeProblem, groupProblems } from "../../base/errors.ts";
import { labelProblems } from "../../data/index.ts";
import {
  inspectModel,
  type LoadClassifierOptions,
  type ModelInspection,
  type ProbeResult,
} from "../../models/index.ts";
import { grouped, table } from "../../report/format.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import { isQueried } from "../models/is-queried.ts";
import { openAttacked } from "../models/open-attacked.ts";
import { loadOptions, modelOptions, openData, openModelFile, openSchema, rowOptions } from "../open.ts";
import { type Given, requireOptions } from "../options.ts";
import { probe } from "../preprocessing.ts";

export async function run(given: Given, [path]: readonly string[]): Promise<number> {
  const model = path ?? given.model;
  if (model === undefined)
    throw new BlindspotError({
      code: "E_OPTION_MISSING",
      subject: "blindspot inspect",
      expected: "a model",
      hint: "blindspot inspect model.onnx",
    });
  if (isQueried(model)) return inspectQueried({ ...given, model });
  const opened = await openModelFile(model);
  const data = given.data === undefined ? null : await openData({ ...given, data: given.data });
  const runtime = await nodeRuntime();
  try {
    const options = data === null ? await optionsAlone(given) : await loadOptions(data, given);
    const inspection = await inspectModel(opened, { ...options, runtime, label: opened.label });
    let probed: ProbeResult | null = null;
    if (data !== null && inspection.classifier !== null) {
      const problems = labelProblems(data, inspection.classifier.classes);
      if (problems.length > 0) throw new BlindspotError(problems);
      if (inspection.classifier.takes === "numbers") probed = await probe(opened, data, options, runtime);
    }
    process.stdout.write(
      given.json ? `${JSON.stringify(plain(inspection, probed), null, 2)}\n` : printed(inspection, probed),
    );
    if (probed?.problem != null) throw new BlindspotError(probed.problem);
    return 0;
  } finally {
    await runtime.close();
  }
}

/** How the model is read where no data say it. */
async function optionsAlone(given: Given): Promise<LoadClassifierOptions> {
  if (given.schema === undefined) return modelOptions(given);
  return { ...modelOptions(given), ...rowOptions(await openSchema(given.schema, given)) };
}

/** What a model that can only be asked answers to the probes. Without data nothing says what it takes. */
async function inspectQueried(given: Given & { readonly model: string }): Promise<number> {
  const required = requireOptions(given, ["model", "data"], "inspect");
  const { signal } = new AbortController();
  const sitting = { journal: given.journal ?? null, folder: null, signal, dryRun: false };
  const { classifier, facts, close } = await openAttacked(required, sitting);
  try {
    const { classes, dims, capabilities, meaning, notes, asked } = classifier;
    const { kind, name, fingerprint } = facts;
    const inspection = { kind, name, fingerprint, dims, classes, answers: capabilities.output, meaning, notes, asked };
    const rows = [
      ["model", `${name}, ${kind}, fingerprint ${fingerprint}`],
      ["expects", `inputs of ${dims.join("x")}`],
      ["answers", `${capabilities.output}${meaning === "label" ? "" : ` (${meaning})`}, ${classes.length} classes`],
      [
        "gradients",
        `no: attacks by ${capabilities.output === "label" ? "labels" : "scores and labels"} work, and by a surrogate (--surrogate train:N)`,
      ],
      ...notes.map((note, i) => [i === 0 ? "notes" : "", note]),
      ["asked", `${grouped(asked?.queries ?? 0)} queries for this`],
    ];
    const text = given.json ? JSON.stringify(inspection, null, 2) : table(rows, ["left", "left"]).join("\n");
    process.stdout.write(`${text}\n`);
    return 0;
  } finally {
    await close();
  }
}

/** Maps become objects, so that JSON holds them. */
function plain(inspection: ModelInspection, probed: ProbeResult | null): unknown {
  const { gradients } = inspection;
  return {
    ...inspection,
    opsets: Object.fromEntries(inspection.opsets),
    gradients: gradients && { ...gradients, operators: Object.fromEntries(gradients.operators) },
    ...(probed === null ? {} : { preprocessing: probed }),
  };
}

const portText = ({ name, dtype, shape }: ModelInspection["inputs"][number]) =>
  `${name} ${dtype ?? "?"}[${shape?.map((dim) => dim ?? "?").join(",") ?? "?"}]`;

function printed(inspection: ModelInspection, probed: ProbeResult | null): string {
  const {
    label,
    sha256,
    bytes,
    producer,
    irVersion,
    opsets,
    parameters,
    inputs,
    outputs,
    classifier,
    gradients,
    problems,
  } = inspection;
  const versions = [...opsets]
    .map(([domain, version]) => `${domain === "" ? "ai.onnx" : domain} ${version}`)
    .join(", ");
  const rows: string[][] = [
    ["file", `${label}, ${grouped(bytes)} bytes, SHA-256 ${sha256}`],
    ["made by", `${producer || "unknown"}; IR version ${irVersion}; opset ${versions}`],
    ["inputs", inputs.map(portText).join(", ")],
    ["outputs", outputs.map(portText).join(", ")],
    ["weights", `${grouped(parameters)} numbers`],
  ];
  if (classifier !== null) {
    const head =
      classifier.logitsBefore === null || classifier.takes === "texts"
        ? `taken as ${classifier.meaning}`
        : `logits found before the final ${classifier.logitsBefore}`;
    const batch =
      classifier.fixedBatch === null
        ? `any; up to ${classifier.maxBatch} rows in a pass`
        : `${classifier.fixedBatch}, fixed`;
    rows.push(
      ["expects", classifier.takes === "texts" ? "texts" : `inputs of ${classifier.dims.join("x")}`],
      ["scores", `output '${classifier.output}', ${classifier.classes} classes; ${head}`],
      ["batch", batch],
      [
        "gradients",
        classifier.gradient
          ? "yes"
          : `no: ${classifier.trees ? "attacks on trees and by query work" : "only score attacks work"}`,
      ],
      ...classifier.notes.map((note, i) => [i === 0 ? "notes" : "", note]),
    );
  }
  const lines = table(rows, ["left", "left"]);
  if (gradients !== null) lines.push("", ...operatorLines(gradients));
  if (problems.length > 0)
    lines.push("", "Problems", ...groupProblems(problems).map((problem) => `  ${describeProblem(problem)}`));
  if (probed !== null) {
    const best = probed.ranked.slice(0, 5).map(({ flags, correct, of }) => [`  ${flags}`, `${correct} of ${of} right`]);
    lines.push("", "Preprocessing, tried on labelled samples", ...table(best, ["left", "right"]));
  }
  return `${lines.join("\n")}\n`;
}

function operatorLines({
  operators,
  straightThrough,
  flat,
  blockers,
}: NonNullable<ModelInspection["gradients"]>): string[] {
  const rows = [...operators]
    .sort(([a], [b]) => a.localeCompare(b, "en"))
    .map(([op, { count, gradient }]) => [`  ${op}`, String(count), gradient ? "gradient" : "none"]);
  return [
    "Operators",
    ...table(rows, ["left", "right", "left"]),
    ...blockerLines(blockers),
    ...nodeLines("straight through", straightThrough),
    ...nodeLines("no slope", flat),
  ];
}

/** Nodes that stand in the way, by reason. */
function blockerLines(blockers: NonNullable<ModelInspection["gradients"]>["blockers"]): string[] {
  const reasons = [...new Set(blockers.map(({ reason }) => reason))];
  return reasons.flatMap((reason) => {
    const nodes = blockers.filter((blocker) => blocker.reason === reason).map(({ node }) => node);
    return nodeLines("no gradient", nodes).map((line) => `${line}: ${reason}`);
  });
}

const NODES_SHOWN = 10;

function nodeLines(what: string, nodes: readonly string[]): string[] {
  if (nodes.length === 0) return [];
  const more = nodes.length > NODES_SHOWN ? ` and ${nodes.length - NODES_SHOWN} more` : "";
  return [`  ${what}: ${nodes.slice(0, NODES_SHOWN).join(", ")}${more}`];
}
