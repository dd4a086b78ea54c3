import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GRADIENT_OPSET, inferShapes, upgradeOpset } from "../graph/index.ts";
import type { Model, Value } from "../graph/ir.ts";
import { readModel } from "../graph/serialize.ts";
import { decodeTensor } from "../onnx/index.ts";
import type { OpDefinition, Reference } from "../ops/define.ts";
import { referenceOf } from "../ops/dtypes.ts";
import { operators } from "../ops/index.ts";
import { interpret } from "../ops/interpret.ts";
import type { Tensor } from "../tensor/tensor.ts";

/**
 * The ONNX project's own backend tests, run through the reference interpreter; docs/operators.md is written from what they say
 * (`npx vitest run -u src/runtime/node-tests.test.ts` brings it up to date).
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
  readonly status: "passed" | "failed" | "skipped";
  readonly reason?: string;
}

/** What the reference doesn't try, and why. The first that fits a test's name counts. */
const OUT_OF_SCOPE: readonly [RegExp, string][] = [
  [/^test_(bernoulli|random|dropout_.*ratio|training_dropout)/, "random numbers"],
  [/^test_.*(float8|FLOAT8|e4m3|e5m2|E4M3|E5M2|int4|INT4)/i, "element types without an array (float8, 4-bit)"],
  [
    /^test_(sequence|split_to_sequence|concat_from|optional|identity_(opt|sequence)|if_(opt|seq)|loop1[36]|range_.*expanded)/,
    "sequences, optionals, loops",
  ],
];

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

/** The first difference over all data sets of a test, or null. */
function compare(folder: string, model: Model): string | null {
  const { graph } = model;
  for (const set of readdirSync(folder).filter((name) => name.startsWith("test_data_set_"))) {
    const given = readTensors(join(folder, set), "input");
    const feeds = new Map<Value, Reference>(
      given.map((tensor, i) => [graph.inputs[i]!, referenceOf(asDeclared(tensor, graph.inputs[i]!))]),
    );
    const values = interpret(graph, feeds, operators);
    for (const [i, stored] of readTensors(join(folder, set), "output").entries()) {
      const output = graph.outputs[i]!;
      const found = values.get(output)!;
      const problem = difference(found, asDeclared(stored, output)) ?? contradiction(output, found);
      if (problem !== null) return `output ${output.name}: ${problem}`;
    }
  }
  return null;
}

/** Inference must agree with what was computed. */
function contradiction(output: Value, { dims }: Reference): string | null {
  const { shape } = output;
  const fits =
    shape === null ||
    (shape.length === dims.length && shape.every((dim, i) => typeof dim !== "number" || dim === dims[i]));
  return fits ? null : `inferred shape [${shape}], computed [${dims}]`;
}

function runTest(folder: string, name: string): Outcome {
  const outOfScope = OUT_OF_SCOPE.find(([pattern]) => pattern.test(name));
  let used: string[] = [];
  try {
    const model = readModel(readBytes(join(folder, "model.onnx")));
    used = operatorsOf(model);
    const outcome = (status: Outcome["status"], reason?: string): Outcome => ({
      name,
      operators: used,
      status,
      ...(reason === undefined ? {} : { reason }),
    });
    if (outOfScope !== undefined) return outcome("skipped", outOfScope[1]);
    if (usesStrings(model)) return outcome("skipped", "strings");
    if (model.opset < GRADIENT_OPSET && model.opsets.has("")) upgradeOpset(model, GRADIENT_OPSET, operators);
    const unknown = unknownOperators(model);
    if (unknown.length > 0) return outcome("skipped", `no ${unknown.join(", ")} here`);
    inferShapes(model, operators);
    const problem = compare(folder, model);
    return problem === null ? outcome("passed") : outcome("failed", problem);
  } catch (error) {
    return {
      name,
      operators: used,
      status: outOfScope === undefined ? "failed" : "skipped",
      reason: outOfScope?.[1] ?? String(error),
    };
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
  const single = (type: string) => outcomes.filter((one) => one.operators.length === 1 && one.operators[0] === type);
  const rows = [...operators.all]
    .sort((a, b) => (a.type < b.type ? -1 : 1))
    .map((definition) => {
      const type = definition.domain ? `${definition.domain}.${definition.type}` : definition.type;
      const tests = single(type);
      const ran = tests.filter(({ status }) => status !== "skipped");
      const passed = ran.filter(({ status }) => status === "passed").length;
      return `| ${type} | ${gradientOf(definition)} | ${ran.length === 0 ? "-" : `${passed} of ${ran.length}`} | ${tests.length - ran.length || ""} |`;
    });
  const count = (status: Outcome["status"]) => outcomes.filter((one) => one.status === status).length;
  const rules = operators.all.filter(({ gradient }) => typeof gradient === "function");
  const skipped = new Map<string, Outcome[]>();
  for (const one of outcomes)
    if (one.status === "skipped") skipped.set(one.reason!, [...(skipped.get(one.reason!) ?? []), one]);
  return `# Operators

${operators.all.length} operators have a forward definition (type inference and a float64 reference), ${rules.length} of them a gradient rule. Each rule
is checked against central differences in float64 and against ONNX Runtime (\`src/autodiff/gradcheck.test.ts\`). This page is written by
\`src/runtime/node-tests.test.ts\`, which runs the backend tests of ONNX 1.16 through the reference interpreter: of ${outcomes.length} tests
${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} were skipped.

The last two columns count the tests whose model is that one operator; tests of several nodes count in the totals only.

| operator | gradient | ONNX node tests passed | skipped |
| --- | --- | --- | --- |
${rows.join("\n")}

## Failed

${list(outcomes.filter(({ status }) => status === "failed").map(({ name, reason }) => `- ${name}: ${reason?.split("\n")[0]}`))}

## Skipped, and why

${list(
  [...skipped]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(
      ([reason, tests]) =>
        `- ${tests.length}: ${reason} (${tests
          .map(({ name }) => name.replace(/^test_/, ""))
          .slice(0, 3)
          .join(", ")}${tests.length > 3 ? ", ..." : ""})`,
    ),
)}
`;
}

function list(lines: readonly string[]): string {
  return lines.length === 0 ? "None." : lines.join("\n");
}

describe.skipIf(!existsSync(archive) || !hasXz())("the node tests of ONNX 1.16, in the reference interpreter", () => {
  let folder = "";
  let outcomes: Outcome[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "blindspot-node-tests-"));
    execFileSync("tar", ["xJf", archive, "-C", folder]);
    const base = join(folder, "onnx/backend/test/data");
    const groups = ["node", "simple", "pytorch-converted", "pytorch-operator"];
    const tests = groups.flatMap((group) =>
      readdirSync(join(base, group))
        .sort()
        .map((name) => join(base, group, name)),
    );
    outcomes = tests
      .filter((test) => existsSync(join(test, "model.onnx")))
      .map((test) => runTest(test, test.split("/").at(-1)!));
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
