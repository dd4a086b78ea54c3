import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BlindspotError } from "../base/errors.ts";
import { GRADIENT_OPSET, inferShapes, upgradeOpset } from "../graph/index.ts";
import type { Model, Value } from "../graph/ir.ts";
import { readModel } from "../graph/serialize.ts";
import { decodeTensor } from "../onnx/index.ts";
import type { OpDefinition, Reference } from "../ops/define.ts";
import { referenceOf } from "../ops/dtypes.ts";
import { operators } from "../ops/index.ts";
import { interpret } from "../ops/interpret.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { runDirectly } from "./node-direct.ts";

/**
 * The ONNX project's own backend tests, run through the reference interpreter; docs/operators.md is written from what they say
 * (`npx vitest run src/runtime/node-tests.test.ts -u` brings it up to date).
 */
const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const data = process.env["BLINDSPOT_DATA"] ?? resolve(root, "../shared/data");
const archive = join(data, "onnx-node-tests", "onnx_v1.16.0_backend_tests.tar.xz");

function hasXz(): boolean {
  try {
    execFileSync("xz", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const readBytes = (path: string): Uint8Array => new Uint8Array(readFileSync(path));

interface Outcome {
  readonly name: string;
  /** Operators that the model uses, qualified by domain where it isn't ai.onnx. */
  readonly operators: readonly string[];
  /** Disputed: the expected values are not ours, but ONNX Runtime's are. */
  readonly status: "passed" | "disputed" | "failed" | "skipped";
  readonly reason: string;
}

/** What the reference doesn't try, and why. The first that fits a test's name counts. */
const OUT_OF_SCOPE: readonly [RegExp, string][] = [
  [/^test_(bernoulli|random|dropout_.*ratio|training_dropout)/, "random numbers"],
  [/^test_.*(float8|FLOAT8|e4m3|e5m2|E4M3|E5M2|int4|INT4)/i, "element types without an array (float8, 4-bit)"],
  [/^test_PReLU_.d_multiparam/, "broadcasting of opset 6; models are read from opset 7 on"],
  [
    /^test_(sequence|split_to_sequence|concat_from|optional|identity_(opt|sequence)|if_(opt|seq)|loop1[36]|range_.*expanded)/,
    "sequences, optionals, loops",
  ],
];

/** What a user is told to be unsupported is not a failure. */
const REFUSALS = new Set(["E_OP_UNSUPPORTED", "E_OPSET_UPGRADE"]);

function operatorsOf(model: Model): string[] {
  const names = model.graph.nodes.map(({ op, domain }) => (domain === "" ? op : `${domain}.${op}`));
  return [...new Set(names)].sort();
}

function unknownOperators(model: Model): string[] {
  const unknown = model.graph.nodes.filter((node) => operators.get(node.op, node.domain) === undefined);
  return [...new Set(unknown.map((node) => node.op))].sort();
}

/** As ONNX's own runner compares (rtol 1e-3, atol 1e-7), looser where expected values have half precision. */
function difference(found: Reference, expected: Tensor): string | null {
  const reference = referenceOf(expected);
  if (found.dims.join() !== expected.dims.join()) return `dims [${found.dims}], expected [${expected.dims}]`;
  const half = expected.dtype === "float16" || expected.dtype === "bfloat16";
  const [relative, absolute] = half ? [2e-2, 1e-3] : [1e-3, 1e-7];
  for (let i = 0; i < reference.data.length; i++) {
    const [a, b] = [found.data[i]!, reference.data[i]!];
    const same = Object.is(a, b) || a === b || Math.abs(a - b) <= absolute + relative * Math.abs(b);
    if (!same) return `element ${i}: ${a}, expected ${b}`;
  }
  return null;
}

function readTensors(folder: string, kind: "input" | "output"): Tensor[] {
  const files = readdirSync(folder).filter((file) => file.startsWith(`${kind}_`));
  return files.map((_, i) => decodeTensor(readBytes(join(folder, `${kind}_${i}.pb`))));
}

/** NumPy has no bfloat16: the files hold its bits as uint16. */
function asDeclared(stored: Tensor, { dtype }: Value): Tensor {
  return dtype === "bfloat16" && stored.dtype === "uint16" ? { ...stored, dtype } : stored;
}

/** The first difference over all data sets of a test, or null; and whether ONNX Runtime differs from the file in the same way. */
async function compare(folder: string, model: Model): Promise<{ problem: string | null; disputed: boolean }> {
  const { graph } = model;
  for (const set of readdirSync(folder).filter((name) => name.startsWith("test_data_set_"))) {
    const given = readTensors(join(folder, set), "input").map((tensor, i) => asDeclared(tensor, graph.inputs[i]!));
    const feeds = new Map(given.map((tensor, i): [Value, Reference] => [graph.inputs[i]!, referenceOf(tensor)]));
    const values = interpret(graph, feeds, operators);
    for (const [i, stored] of readTensors(join(folder, set), "output").entries()) {
      const output = graph.outputs[i]!;
      const found = values.get(output)!;
      const wrong = difference(found, asDeclared(stored, output));
      const problem = wrong ?? contradiction(output, found);
      if (problem === null) continue;
      const named = Object.fromEntries(given.map((tensor, k) => [graph.inputs[k]!.name, tensor]));
      const other = wrong === null ? null : await onOrt(join(folder, "model.onnx"), named, output.name);
      const disputed = other !== null && difference(found, other) === null;
      return { problem: `output ${output.name}: ${problem}`, disputed };
    }
  }
  return { problem: null, disputed: false };
}

async function onOrt(path: string, feeds: Record<string, Tensor>, output: string): Promise<Tensor | null> {
  try {
    return (await runDirectly(readBytes(path), feeds, [output]))[output]!;
  } catch {
    return null;
  }
}

/** Inference must agree with what was computed. */
function contradiction(output: Value, { dims }: Reference): string | null {
  const { shape } = output;
  const fits =
    shape === null ||
    (shape.length === dims.length && shape.every((dim, i) => typeof dim !== "number" || dim === dims[i]));
  return fits ? null : `inferred shape [${shape}], computed [${dims}]`;
}

async function runTest(folder: string): Promise<Outcome> {
  const name = basename(folder);
  const outOfScope = OUT_OF_SCOPE.find(([pattern]) => pattern.test(name))?.[1];
  let used: string[] = [];
  const outcome = (status: Outcome["status"], reason = ""): Outcome => ({ name, operators: used, status, reason });
  try {
    const model = readModel(readBytes(join(folder, "model.onnx")));
    used = operatorsOf(model);
    if (outOfScope !== undefined) return outcome("skipped", outOfScope);
    if (usesStrings(model)) return outcome("skipped", "strings");
    // Models are read from opset 7 on; operators that older ones share with it run as they are.
    if (model.opset >= 7 && model.opset < GRADIENT_OPSET) upgradeOpset(model, GRADIENT_OPSET, operators);
    const unknown = unknownOperators(model);
    if (unknown.length > 0) return outcome("skipped", `no ${unknown.join(", ")} here`);
    inferShapes(model, operators);
    const { problem, disputed } = await compare(folder, model);
    return problem === null ? outcome("passed") : outcome(disputed ? "disputed" : "failed", problem);
  } catch (error) {
    if (outOfScope !== undefined) return outcome("skipped", outOfScope);
    const refused = error instanceof BlindspotError && REFUSALS.has(error.code);
    return refused ? outcome("skipped", `refused: ${error.problems[0]!.got}`) : outcome("failed", String(error));
  }
}

function usesStrings({ graph }: Model): boolean {
  return [...graph.inputs, ...graph.outputs, ...graph.initializers].some(({ dtype }) => dtype === "string");
}

/** The operators that issue and README promise; each must have run. */
const PROMISED = (
  "Gemm MatMul Conv MaxPool AveragePool GlobalAveragePool GlobalMaxPool BatchNormalization Relu LeakyRelu PRelu Elu Selu Sigmoid " +
  "HardSigmoid Tanh Softplus Softsign Add Sub Mul Div Pow Neg Abs Sqrt Exp Log Reciprocal Min Max Mean Sum Reshape Flatten " +
  "Transpose Concat Slice Gather Pad Clip Squeeze Unsqueeze Softmax LogSoftmax ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd " +
  "ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum ReduceLogSumExp QuantizeLinear DequantizeLinear"
).split(" ");

const gradientOf = ({ gradient, flat, straightThrough }: OpDefinition): string => {
  if (gradient === undefined) return "no";
  if (gradient === "discrete") return "none flows (integers, booleans, shapes)";
  return straightThrough ? "straight-through" : flat ? "zero (flat)" : "yes";
};

/** docs/operators.md */
function report(outcomes: readonly Outcome[]): string {
  const of = (status: Outcome["status"]) => outcomes.filter((one) => one.status === status);
  const rules = operators.all.filter(({ gradient }) => typeof gradient === "function");
  const skipped = new Map<string, string[]>();
  for (const { reason, name } of of("skipped")) skipped.set(reason, [...(skipped.get(reason) ?? []), name]);
  const told = ({ name, reason }: Outcome): string => `- ${name}: ${reason.split("\n")[0]}`;
  return `# Operators

${operators.all.length} operators have a forward definition (type inference and a float64 reference), ${rules.length} of them a gradient rule. Each rule
is checked against central differences in float64 and against ONNX Runtime (\`src/autodiff/gradcheck.test.ts\`). This page is written by
\`src/runtime/node-tests.test.ts\`, which runs the backend tests of ONNX 1.16 through the reference interpreter: of ${outcomes.length} tests
${of("passed").length} passed, ${of("disputed").length} are disputed, ${of("failed").length} failed, ${of("skipped").length} were skipped.

RNN, LSTM, GRU and bilinear GridSample have no definition here: where a gradient is wanted they are written out in the operators below (sequences of up to 512 steps; sizes that the file
says; \`src/autodiff/written-out\`, tested against ONNX Runtime's own).

The last two columns count the tests whose model is that one operator; tests of several nodes count in the totals only.

| operator | gradient | ONNX node tests passed | skipped |
| --- | --- | --- | --- |
${tableRows(outcomes).join("\n")}

## Disputed: ONNX Runtime gives what the reference gives, the test's file something else

${list(of("disputed").map(told))}

## Failed

${list(of("failed").map(told))}

## Skipped, and why

${list([...skipped].sort(([, a], [, b]) => b.length - a.length).map(([reason, names]) => `- ${names.length}: ${reason} (${fewOf(names)})`))}
`;
}

function tableRows(outcomes: readonly Outcome[]): string[] {
  const byName = [...operators.all].sort((a, b) => (a.type < b.type ? -1 : 1));
  return byName.map((definition) => {
    const type = definition.domain ? `${definition.domain}.${definition.type}` : definition.type;
    const tests = outcomes.filter((one) => one.operators.length === 1 && one.operators[0] === type);
    const ran = tests.filter(({ status }) => status !== "skipped");
    const passed = ran.filter(({ status }) => status === "passed").length;
    const skipped = tests.length - ran.length;
    return `| ${type} | ${gradientOf(definition)} | ${ran.length === 0 ? "-" : `${passed} of ${ran.length}`} | ${skipped || ""} |`;
  });
}

function fewOf(names: readonly string[]): string {
  const few = names.slice(0, 3).map((name) => name.replace(/^test_/, ""));
  return [...few, ...(names.length > 3 ? ["..."] : [])].join(", ");
}

function list(lines: readonly string[]): string {
  return lines.length === 0 ? "None." : lines.join("\n");
}

describe.skipIf(!existsSync(archive) || !hasXz())("the node tests of ONNX 1.16, in the reference interpreter", () => {
  let folder = "";
  let outcomes: Outcome[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "blindspot-node-tests-"));
    execFileSync("tar", ["xJf", archive, "-C", folder]);
    const base = join(folder, "onnx/backend/test/data");
    const groups = ["node", "simple", "pytorch-converted", "pytorch-operator"];
    const tests = groups.flatMap((group) =>
      readdirSync(join(base, group))
        .sort()
        .map((name) => join(base, group, name)),
    );
    outcomes = [];
    for (const test of tests) if (existsSync(join(test, "model.onnx"))) outcomes.push(await runTest(test));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("pass wherever every operator is known", () => {
    const failed = outcomes.filter(({ status }) => status === "failed");
    expect(failed.map(({ name, reason }) => `${name}: ${reason}`)).toEqual([]);
  });

  it.each(PROMISED)("ran for %s", (type) => {
    const tests = outcomes.filter((one) => one.operators.includes(type));
    expect(tests.filter(({ status }) => status === "passed").length).toBeGreaterThan(0);
  });

  it("are told in docs/operators.md", async () => {
    await expect(report(outcomes)).toMatchFileSnapshot(join(root, "docs/operators.md"));
  });
});
