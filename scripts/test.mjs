// `npm test`: installs what is missing, builds, then lint, types, unit tests, and the command line from the packed tarball in an empty
// folder. Closes with one line, `N passed, N failed`, over all of them.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packedTests } from "./packed.mjs";
import { install, ROOT, run, tool } from "./prepare.mjs";

const total = { passed: 0, failed: 0, skipped: 0 };

function title(text) {
  console.log(`\n== ${text}`);
}

function count({ passed, failed, skipped = 0 }) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

function step(name, command, args) {
  title(name);
  const ok = run(command, args).status === 0;
  console.log(ok ? "ok" : `${name} failed`);
  count({ passed: ok ? 1 : 0, failed: ok ? 0 : 1 });
  return ok;
}

function unitTests(folder) {
  title("unit tests");
  const report = join(folder, "vitest.json");
  const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { status } = run(process.execPath, [tool("vitest"), ...args]);
  try {
    const json = JSON.parse(readFileSync(report, "utf8"));
    // A file that cannot even be loaded holds no failed test, but is one.
    const brokenFiles = json.testResults.filter(
      (file) => file.status === "failed" && file.assertionResults.length === 0,
    );
    const failed = json.numFailedTests + brokenFiles.length;
    count({
      passed: json.numPassedTests,
      failed: status !== 0 && failed === 0 ? 1 : failed,
      skipped: json.numPendingTests + (json.numTodoTests ?? 0),
    });
  } catch (error) {
    console.error(`No report of the unit tests: ${error.message}`);
    count({ passed: 0, failed: 1 });
  }
}

install();
const folder = mkdtempSync(join(tmpdir(), "blindspot-test-"));
try {
  step("lint", process.execPath, [tool("@biomejs/biome"), "check", "."]);
  // Unit tests and the packed package need what this writes.
  step("types", process.execPath, [tool("typescript"), "-p", "tsconfig.json"]);
  unitTests(folder);
  title("the packed tarball in an empty folder");
  count(packedTests(folder, ROOT));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;
