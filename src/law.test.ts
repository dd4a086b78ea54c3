import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

/**
 * Who may import whom: the rule, once, as data. A room may import itself and the rooms named here; `types` marks rooms of which only
 * types may be imported. Tests may import anything.
 */
const LAW: Record<string, { values: string[]; types?: string[] }> = {
  base: { values: [] },
  tensor: { values: ["base"] },
  onnx: { values: ["base", "tensor"] },
  graph: { values: ["base", "tensor", "onnx"] },
  ops: { values: ["base", "tensor", "graph"] },
  autodiff: { values: ["base", "tensor", "graph", "ops"] },
  // The reference interpreter alone needs graph and ops.
  runtime: { values: ["base", "tensor", "onnx", "graph", "ops"] },
  // The classifier wires the operator table to autodiff, and reads model files; rows of texts are read by `inputs`.
  models: { values: ["base", "tensor", "onnx", "graph", "ops", "autodiff", "runtime", "inputs"] },
  inputs: { values: ["base", "tensor"] },
  threats: { values: ["base", "tensor", "inputs"] },
  attacks: { values: ["base", "tensor", "inputs", "threats"], types: ["models", "data"] },
  train: { values: ["base", "tensor", "onnx", "graph", "autodiff", "runtime", "inputs"] },
  data: { values: ["base", "tensor", "inputs"] },
  assess: { values: ["base", "tensor", "inputs", "threats", "models", "attacks", "data"], types: ["runtime"] },
  defenses: {
    values: ["base", "tensor", "inputs", "threats", "attacks", "models", "train", "autodiff", "graph"],
    types: ["data", "ops", "runtime"],
  },
  corruptions: { values: ["base", "tensor", "inputs", "threats"] },
  minimize: { values: ["base", "tensor", "inputs", "threats"], types: ["models"] },
  // What a run found comes in as plain data.
  corpus: {
    values: ["base", "tensor", "inputs", "threats", "minimize"],
    types: ["assess", "data", "models", "corruptions"],
  },
  regression: {
    values: ["base", "tensor", "inputs", "threats", "models", "attacks", "corpus", "assess"],
    types: ["data"],
  },
  report: { values: ["base", "inputs"], types: ["assess", "regression", "corpus"] },
  // The attacker's own model: trained from what the target answers.
  surrogates: {
    values: ["base", "tensor", "graph", "ops", "autodiff", "train", "models", "threats"],
    types: ["runtime", "assess"],
  },
  exercises: { values: ["base", "tensor", "inputs", "threats", "models", "attacks", "data", "assess", "report"] },
};
/** The doors and the command line may import every room; no room may import them. */
const DOORS = new Set(["cli", "index.ts"]);

/** Files that may use `node:` modules or native libraries; everything else runs in a browser too. */
const NODE_ONLY = [
  /^runtime\/node/,
  /^onnx\/external-data\.ts$/,
  /^data\//,
  /^assess\/files/,
  /^corpus\/files/,
  /^regression\/files/,
  /^models\/files\.ts$/,
  /^cli\//,
  /^index\.ts$/,
];
const NATIVE = new Set(["sharp", "onnxruntime-node", "libsql"]);

const source = dirname(fileURLToPath(import.meta.url));
const files = readdirSync(source, { recursive: true, encoding: "utf8" })
  .map((name) => name.replaceAll("\\", "/"))
  .filter((name) => name.endsWith(".ts") && !name.includes(".test."));

interface Import {
  readonly from: string;
  readonly typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), "utf8");
  const statements = text.matchAll(
    /^(?:import|export)\s+(type\s)?[^;"']*?from\s+["']([^"']+)["']|^import\s+["']([^"']+)["']/gm,
  );
  const found = [...statements].map((match) => ({ from: (match[2] ?? match[3])!, typeOnly: match[1] !== undefined }));
  for (const match of text.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g))
    found.push({ from: match[1]!, typeOnly: false });
  return found;
}

const roomOf = (file: string) => file.split("/")[0]!;

describe("the law of imports", () => {
  it("knows every room", () => {
    expect(files.map(roomOf).filter((room) => !(room in LAW) && !DOORS.has(room))).toEqual([]);
  });

  it("holds for every file", () => {
    const breaches: string[] = [];
    for (const file of files) {
      const room = roomOf(file);
      if (DOORS.has(room)) continue;
      const law = LAW[room];
      for (const { from, typeOnly } of importsOf(file)) {
        if (!from.startsWith(".")) continue;
        const target = roomOf(relative(source, resolve(source, dirname(file), from)).replaceAll("\\", "/"));
        if (target === room || law?.values.includes(target)) continue;
        if (typeOnly && law?.types?.includes(target)) continue;
        breaches.push(`${file} imports ${from}${typeOnly ? " (types)" : ""}`);
      }
    }
    expect(breaches).toEqual([]);
  });

  it("has no circles of files, not even of types", () => {
    const imports = new Map(
      files.map((file) => [
        file,
        importsOf(file)
          .filter(({ from }) => from.startsWith("."))
          .map(({ from }) => relative(source, resolve(source, dirname(file), from)).replaceAll("\\", "/")),
      ]),
    );
    const circles: string[] = [];
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(" > "));
      if (path.includes(file) || done.has(file)) return;
      for (const next of imports.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of files) visit(file, []);
    expect(circles).toEqual([]);
  });

  it("keeps Node and native code at the edge", () => {
    const breaches = files.flatMap((file) =>
      NODE_ONLY.some((pattern) => pattern.test(file))
        ? []
        : importsOf(file)
            .filter(({ from }) => from.startsWith("node:") || NATIVE.has(from))
            .map(({ from }) => `${file} imports ${from}`),
    );
    expect(breaches).toEqual([]);
  });
});
