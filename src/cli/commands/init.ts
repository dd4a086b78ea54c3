import { stat, writeFile } from "node:fs/promises";
import { BlindspotError } from "../../base/errors.ts";
import { inferRows } from "../../data/index.ts";
import { commandLine } from "../../report/command-line.ts";
import { plural } from "../../report/format.ts";
import { visible } from "../../report/visible.ts";
import { type Given, requireOptions } from "../options.ts";
import { initProject } from "./init-project.ts";

/** Without data the files of a project; with it a first schema of a table, and what in it only its owner knows. Nothing is ever overwritten. */
export async function run(options: Given): Promise<number> {
  if (options.data === undefined) return initProject(options);
  const { data, out = "schema.json" } = requireOptions(options, ["data"], "init");
  const spec = data.startsWith("csv:") ? data : `csv:${data}`;
  if (await stat(out).catch(() => null))
    throw new BlindspotError({ code: "E_FILE_EXISTS", subject: out, hint: "Give another --out, or remove the file" });
  const { schema, notes } = await inferRows(spec);
  await writeFile(out, `${JSON.stringify(schema, null, 2)}\n`);
  const label = spec.includes("label=")
    ? []
    : ["no label= in --data: if a column is the label, take it out of the fields"];
  const lines = [
    `Written to ${out}: ${plural(schema.fields.length, "field")}`,
    ...[...label, ...notes].map((note) => `  note: ${visible(note)}`),
    "",
    'Edit it: what may not change ("change": "none", "increase", "decrease"), true ranges and steps, costs, and relations',
    'between fields, such as "total == sum(a, b)" (docs/rows.md). Then attack:',
    `  ${commandLine(["assess", "--model", "model.onnx", "--data", label.length > 0 ? `${spec}?label=COLUMN` : spec, "--schema", out, "--threat", "fields:2"])}`,
  ];
  if (!options.quiet) process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}
