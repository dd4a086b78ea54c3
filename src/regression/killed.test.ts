import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Rng } from "../base/rng.ts";
import { Corpus } from "../corpus/corpus.ts";
import { diskFolder } from "../corpus/files.ts";
import { verify } from "../corpus/verify.ts";
import { gate } from "./gate.ts";
import { finds, GATED, gateAgain } from "./gate-writer.test.fixture.ts";
import { mapMemory } from "./memory.ts";
import type { GateResult } from "./schema.ts";
import { attacked, store, V1 } from "./versions.test.fixture.ts";

// The built file: child processes can't read TypeScript.
const WRITER = fileURLToPath(new URL("../../dist/regression/gate-writer.test.fixture.js", import.meta.url));
const KILLS = Number(process.env["BLINDSPOT_KILLS"] ?? 6);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-gate-killed-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Gates until it has taken so many steps; whether it was killed before it was done. */
function killedAfter(directory: string, steps: number): Promise<boolean> {
  if (!existsSync(WRITER)) throw new Error("run `npm run build` first: these tests start the built writer");
  const child = spawn(process.execPath, [WRITER, directory]);
  let text = "";
  return new Promise((resolve, reject) => {
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      if (text.split("step\n").length > steps) child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("close", (_, signal) => resolve(signal === "SIGKILL"));
  });
}

describe("a gate that is killed", () => {
  it("loses nothing, and is completed by the same call: it finds what one that was left alone finds", async () => {
    const found = await attacked(V1, 150);
    const begin = async (name: string) => {
      mkdirSync(join(folder, name), { recursive: true });
      const corpus = await Corpus.create(await diskFolder(join(folder, name, "boundary")), { toolVersion: "1.2.3" });
      await store(corpus, GATED.base, found);
      return corpus;
    };
    const rng = Rng.of(Number(process.env["BLINDSPOT_SEED"] ?? 1));
    let [kills, corpora] = [0, 0];
    while (kills < KILLS) {
      const name = `killed ${corpora++}`;
      const corpus = await begin(name);
      for (let i = 0; i < 3; i++) if (await killedAfter(join(folder, name), 1 + rng.integer(2 * found.length))) kills++;
      const result = await gateAgain(join(folder, name), () => {});
      expect((await verify(corpus)).problems).toEqual([]);
      // In two folders, at two times.
      const files = (one: GateResult) => ({
        ...finds(one),
        corpus: { ...one.corpus, name: "" },
        holds: { ...one.holds, lastNewCell: null },
      });
      expect(files(result)).toEqual(files(await gate({ ...GATED, corpus })));
      // Left alone from the beginning, in memory and without an index.
      const alone = await begin(`alone ${corpora}`);
      const memory = mapMemory();
      let whole = await gate({ ...GATED, corpus: alone, memory });
      while (whole.grown!.samples > 0) whole = await gate({ ...GATED, corpus: alone, memory });
      expect(files(result)).toEqual(files(whole));
    }
    process.stdout.write(`${kills} kills of gates\n`);
  });
});
