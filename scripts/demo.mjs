// `npm run demo`: installs what is missing, builds, and assesses the road-sign example.
import { join, relative } from "node:path";
import { build, install, ROOT, run } from "./prepare.mjs";

install();
build();
const example = (name) => join("examples", "road-signs", name);
const args = [
  relative(ROOT, join(ROOT, "dist", "cli", "main.js")),
  "assess",
  ...["--model", example("road-signs.onnx")],
  ...["--surrogate", example("surrogate.onnx")],
  ...["--data", `npz:${example("test.npz")}`],
  ...["--classes", example("classes.txt")],
  ...["--threat", "linf:8/255", "--samples", "250"],
  ...process.argv.slice(2),
];
process.exitCode = run(process.execPath, args).status;
