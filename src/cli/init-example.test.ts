import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

it.each(["image", "rows", "text"])(
  "init --example %s writes a config whose threat is the one it shows",
  (kind) => {
    const cwd = mkdtempSync(join(tmpdir(), "blindspot-init-"));
    try {
      const shown = execFileSync(process.execPath, [MAIN, "init", "--example", kind], { cwd, encoding: "utf8" });
      const { threat } = JSON.parse(readFileSync(join(cwd, "blindspot.config.json"), "utf8"));
      expect(threat).toEqual([/ --threat (\S+) --corpus/.exec(shown)?.[1]]);
      // Git leaves runs and reports alone.
      execFileSync("git", ["init", "-q"], { cwd });
      writeFileSync(join(cwd, ".blindspot", "run.json"), "{}");
      const others = execFileSync("git", ["status", "--short", "-uall"], { cwd, encoding: "utf8" });
      expect(others).toContain("blindspot.config.json");
      expect(others).not.toContain(".blindspot/");
    } finally {
      rmSync(cwd, { recursive: true, force: true });
    }
  },
  60_000,
);
