// `npm run demo`: installs what is missing, builds, assesses the road-sign example, and says where its report is.
import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build, install, ROOT, run } from "./prepare.mjs";

install();
build();
const example = (name) => join("examples", "road-signs", name);
const given = process.argv.slice(2);
// A folder of its own for each demo, unless one is named.
const { values } = parseArgs({ args: given, options: { out: { type: "string" } }, strict: false });
const stamp = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
const out = typeof values.out === "string" ? values.out : join(".blindspot", "runs", `demo-${stamp}`);
const args = [
  relative(ROOT, join(ROOT, "dist", "cli", "main.js")),
  "assess",
  ...["--model", example("road-signs.onnx")],
  ...["--surrogate", example("surrogate.onnx")],
  ...["--data", `npz:${example("test.npz")}`],
  ...["--classes", example("classes.txt")],
  ...["--threat", "linf:8/255", "--samples", "250", "--out", out],
  ...given,
];
process.exitCode = run(process.execPath, args).status;
const report = resolve(ROOT, out, "report.html");
if (existsSync(report)) process.stderr.write(`\nThe report, for your browser: ${report}\n`);
