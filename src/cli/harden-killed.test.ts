import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { trainingLogSchema } from "../defenses/index.ts";
import { toyArrays, toyData, toyNetwork } from "../defenses/toy.test.fixture.ts";
import { MAIN, requireBuilt, runBuilt } from "./built.test.fixture.ts";
import { writeFiles } from "./halves.test.fixture.ts";

/** Kills of one training; BLINDSPOT_KILLS for more. */
const KILLS = Number(process.env["BLINDSPOT_KILLS"] ?? 2);
const EPOCHS = "12";

let folder: string;
beforeAll(async () => {
  requireBuilt();
  folder = mkdtempSync(join(tmpdir(), "blindspot-killed-"));
  writeFiles(folder, {
    "natural.onnx": toyNetwork(),
    "train.npz": await toyArrays(toyData(1, 256)),
    "choose.npz": await toyArrays(toyData(2, 100)),
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const command = (out: string) => [
  ...["harden", "--model", "natural.onnx", "--data", "npz:train.npz", "--validate", "npz:choose.npz"],
  ...["--threat", "linf:0.1", "--method", "pgd", "--average", "0.9", "--epochs", EPOCHS, "--patience", "0"],
  ...["--batch", "32", "--lr", "0.02", "--no-probe", "--quiet", "--out", out],
];

/** What the training leaves, without what a clock says. */
function left(out: string) {
  const read = (extension: string) => readFileSync(join(folder, out.replace(".onnx", extension)));
  const log = trainingLogSchema.parse(JSON.parse(read(".training.json").toString()));
  const epochs = log.epochs.map(({ seconds: _, ...figures }) => figures);
  return { model: read(".onnx"), hashes: read(".trained-on.txt").toString(), epochs, status: log.status };
}

/** Starts the command and kills it, without warning, so many milliseconds after there is a checkpoint. False where it had ended before. */
async function kill(out: string, after: number): Promise<boolean> {
  const child = spawn(process.execPath, [MAIN, ...command(out)], { cwd: folder, stdio: "ignore" });
  const ended = new Promise<boolean>((resolve) => child.on("exit", (_, signal) => resolve(signal === "SIGKILL")));
  while (child.exitCode === null && !existsSync(checkpointOf(out))) await setTimeout(5);
  await Promise.race([ended, setTimeout(after)]);
  child.kill("SIGKILL");
  return ended;
}

const checkpointOf = (out: string) => join(folder, out.replace(".onnx", ".checkpoint.npz"));

it(`a training that is killed ${KILLS} times ends with the bytes of one that was not`, async () => {
  const started = performance.now();
  expect((await runBuilt(folder, command("whole.onnx"))).code).toBe(0);
  const whole = performance.now() - started;
  const rng = Rng.of(Number(process.env["BLINDSPOT_SEED"] ?? 0)).fold("kills");
  let kills = 0;
  for (let round = 0; kills < KILLS; round++) {
    const out = `killed-${round}.onnx`;
    // One that was killed may be killed again, while it reads what is there or later.
    while (kills < KILLS && (await kill(out, whole * rng.uniform()))) kills++;
    expect((await runBuilt(folder, command(out))).code).toBe(0);
    expect(left(out)).toEqual(left("whole.onnx"));
    expect(existsSync(checkpointOf(out))).toBe(false);
  }
}, 600_000);
