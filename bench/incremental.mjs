/**
 * What it saves to begin where the last version was fooled: `assess --start-from` a run of version 1, beside the same command from scratch, on versions of one net: hardened,
 * retrained with other seeds, with 8-bit weights, with noise. Passes (queries, gradients included) until all findings were made, and on samples that fell; both runs must find the
 * same samples, or the difference is told.
 *
 *   node bench/incremental.mjs --folder FOLDER [--samples 60] [--out FILE]
 *
 * FOLDER is what `bench/gate-rule.mjs --work` keeps: the versions and their held-out data (mnist).
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readOptions, report } from "./peer.mjs";

const options = readOptions({
  folder: undefined,
  samples: "60",
  threat: "linf:0.1",
  versions: "eight-bit,noise,plain-1,plain-2,hardened",
  first: "plain-0",
  attacks: "standard",
  out: undefined,
});
const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "blindspot-incremental-"));

/** A run by the command, as a user would: what fell, and what that took. */
function assess(version, name, ...more) {
  const out = join(work, name);
  const args = [
    ...[
      "assess",
      "--model",
      join(options.folder, `${version}.onnx`),
      "--data",
      `npz:${join(options.folder, "attack.npz")}`,
    ],
    ...[
      "--threat",
      options.threat,
      "--samples",
      options.samples,
      "--attacks",
      options.attacks,
      "--profile",
      "white-box",
    ],
    ...["--out", out, "--corpus", "none", "--quiet", "--json", ...more],
  ];
  const started = performance.now();
  const result = JSON.parse(
    execFileSync(process.execPath, [main, ...args], { maxBuffer: 2 ** 28, stdio: ["ignore", "pipe", "inherit"] }),
  );
  const seconds = (performance.now() - started) / 1000;
  const lines = readFileSync(join(out, "samples.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const fallen = lines.filter(({ status }) => status === "fooled");
  const passes = (list) => list.reduce((sum, { profiles }) => sum + (profiles["white-box"]?.queries ?? 0), 0);
  const attacks = result.threats[0].profiles.flatMap((profile) => profile.attacks);
  return {
    out,
    seconds,
    attacked: lines.filter(({ status }) => status === "fooled" || status === "resisted").length,
    fallen: new Set(fallen.map(({ index }) => index)),
    onFallen: passes(fallen),
    passes: passes(lines),
    byWarm: attacks
      .filter(({ name: attack }) => attack.endsWith("-warm"))
      .reduce((sum, { succeeded }) => sum + succeeded, 0),
  };
}

try {
  const first = assess(options.first, "first");
  const rows = [];
  for (const version of options.versions.split(",").filter((one) => existsSync(join(options.folder, `${one}.onnx`)))) {
    const cold = assess(version, `${version}-cold`);
    const warm = assess(version, `${version}-warm`, "--start-from", first.out);
    const only = (a, b) => [...a.fallen].filter((index) => !b.fallen.has(index)).length;
    rows.push({
      version,
      attacked: cold.attacked,
      fallen: {
        cold: cold.fallen.size,
        incremental: warm.fallen.size,
        coldAlone: only(cold, warm),
        incrementalAlone: only(warm, cold),
      },
      byWarm: warm.byWarm,
      onFallen: { cold: cold.onFallen, incremental: warm.onFallen, saved: 1 - warm.onFallen / cold.onFallen },
      passes: { cold: cold.passes, incremental: warm.passes, saved: 1 - warm.passes / cold.passes },
      seconds: { cold: cold.seconds, incremental: warm.seconds },
    });
    process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`);
  }
  report({ ...options, folder: undefined, firstFallen: first.fallen.size, rows }, options.out);
} finally {
  rmSync(work, { recursive: true, force: true });
}
