import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runBuilt } from "./built.test.fixture.ts";
import { halvesData, halvesModel, writeFiles } from "./halves.test.fixture.ts";

const DATA = process.env["BLINDSPOT_DATA"] ?? fileURLToPath(new URL("../../../shared/data", import.meta.url));
const OWN = ["--model", "model.onnx", "--data", "npz:data.npz"];
let folder: string;

const exercise = (...args: string[]) => runBuilt(folder, ["exercise", ...args]);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-exercise-"));
  writeFiles(folder, { "model.onnx": halvesModel(), "data.npz": halvesData() });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("blindspot exercise", () => {
  it("lists what there is", async () => {
    const { code, stdout } = await exercise();
    expect(code).toBe(0);
    for (const name of ["fgsm-by-hand", "epsilon", "targeted", "black-box", "transfer", "explain-it-back"])
      expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, "m"));
    const listed = JSON.parse((await exercise("--json")).stdout) as unknown[];
    expect(listed).toHaveLength(6);
  });

  it("finds the bundled example from another folder, and writes its page", async () => {
    const { code, stdout, stderr } = await exercise("fgsm-by-hand", "--samples", "index:20", "--out", "pages");
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^INPUT$.*index 20,.*^ACTION$.*^OUTCOME$.*^LOOK AT NEXT$/ms);
    expect(readFileSync(join(folder, "pages", "fgsm-by-hand.html"), "utf8")).toContain("Blindspot exercise");
  });

  it("takes the learner's model and data, in every text and command", async () => {
    const { code, stdout } = await exercise("explain-it-back", ...OWN, "--threat", "linf:0.2", "--json");
    expect(code).toBe(0);
    const lesson = JSON.parse(stdout) as { conditions: { value: string }[]; next: { command?: string }[] };
    expect(lesson.conditions[0]!.value).toBe("model.onnx, 2 classes");
    const commands = lesson.next.flatMap(({ command }) => command ?? []);
    expect(commands[0]).toContain("--model model.onnx --data npz:data.npz");
  });

  it.each<[string, string[], RegExp]>([
    ["an unknown exercise", ["fgms"], /E_EXERCISE_UNKNOWN.*fgsm-by-hand, epsilon/],
    ["an index out of range", ["epsilon", "--samples", "index:5000"], /5000/],
    ["an unknown class", ["targeted", "--from", "cat"], /E_EXERCISE_CLASS.*stop, yield/],
    ["own data without a surrogate", ["transfer", ...OWN], /E_OPTION_MISSING.*--surrogate/],
    ["two threats", ["epsilon", "--threat", "linf:0.1", "--threat", "l2:1"], /E_USAGE.*one --threat/],
    ["a goal where there is none", ["epsilon", "--goal", "targeted:next"], /E_USAGE.*no --goal.*targeted, black-box/],
    ["a model that the bundled data does not fit", ["epsilon", "--model", "model.onnx"], /E_/],
  ])("%s: one message, exit code 2, no page", async (_what, args, message) => {
    const { code, stdout, stderr } = await exercise(...args, "--out", "refused");
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("    at ");
    expect([code, stdout, existsSync(join(folder, "refused"))]).toEqual([2, "", false]);
  });
});

const CIFAR = `${DATA}/cifar10`;
describe.skipIf(!existsSync(CIFAR))("a cat that becomes a car", () => {
  it("at 8/255, on the ResNet8 of the shared data", async () => {
    const { code, stdout, stderr } = await exercise(
      "targeted",
      ...["--model", `${CIFAR}/models/mlperf_tiny_resnet8.onnx`, "--input-range", "0..255"],
      ...["--data", `records:${CIFAR}/cifar10_exact_subset.bin?shape=32x32x3`],
      ...["--classes", "airplane,automobile,bird,cat,deer,dog,frog,horse,ship,truck"],
      ...["--threat", "linf:8/255", "--from", "cat", "--goal", "targeted:automobile", "--json"],
    );
    expect(code, stderr).toBe(0);
    const { figures } = JSON.parse(stdout) as { figures: Record<string, unknown> };
    expect([figures["label"], figures["labelAfter"]]).toEqual(["cat", "automobile"]);
  });
});
