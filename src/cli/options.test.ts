import { describe, expect, it } from "vitest";
import type { BlindspotError } from "../base/errors.ts";
import { COMMANDS } from "./commands.ts";
import { longFlag, OPTIONS, type OptionName, readOptions, requireOptions } from "./options.ts";
import { Progress } from "./progress.ts";

const read = (name: OptionName, text: unknown) =>
  (readOptions({ [name]: text }, [name], longFlag) as Record<string, unknown>)[name];

describe("the option table", () => {
  it.each<[OptionName, unknown, unknown]>([
    ["samples", "200", 200],
    ["samples", "all", "all"],
    ["samples", "first:300", "first:300"],
    ["samples", "index:0,17", "index:0,17"],
    ["inputRange", "0..255", [0, 255]],
    ["inputRange", "-1..1", [-1, 1]],
    ["mean", "0.5", 0.5],
    ["mean", "0.485,0.456,0.406", [0.485, 0.456, 0.406]],
    ["std", "1/2", 0.5],
    ["shape", "input=1,3,224,224", [1, 3, 224, 224]],
    ["shape", "1,28,28", [1, 28, 28]],
    ["attacks", "fgsm, pgd", ["fgsm", "pgd"]],
    ["profile", "white-box,score", ["white-box", "score"]],
    ["threat", ["linf:8/255", "l2:1"], ["linf:8/255", "l2:1"]],
    ["threat", "linf:8/255", ["linf:8/255"]],
    ["failUnder", "0.4", 0.4],
    ["time", "90", 90],
    ["json", true, true],
    ["probe", false, false],
    ["seed", 7, 7],
  ])("reads %s %j as %j", (name, text, value) => expect(read(name, text)).toEqual(value));

  it.each<[OptionName, unknown]>([
    ["samples", "0"],
    ["samples", "first:0"],
    ["samples", "some"],
    ["samples", "index:1,,2"],
    ["samples", "index:-1"],
    ["inputRange", "255..0"],
    ["inputRange", "255"],
    ["mean", "a"],
    ["shape", "1,x"],
    ["profile", "gray-box"],
    ["failUnder", "40"],
    ["time", "0"],
    ["seed", "-1"],
    ["queries", "1.5"],
    ["until", "2027-13-45"],
    ["until", "2027-02-30"],
    ["layout", "chw"],
    ["json", "perhaps"],
  ])("refuses %s %j", (name, text) => expect(() => read(name, text)).toThrow("E_OPTION"));

  it("reports all that is wrong at once", () => {
    const problem = (work: () => unknown) => {
      try {
        work();
      } catch (error) {
        return (error as BlindspotError).problems.map(({ subject }) => subject);
      }
      return [];
    };
    expect(
      problem(() => readOptions({ seed: "x", steps: "0", goal: "untargeted" }, ["seed", "steps", "goal"], longFlag)),
    ).toEqual(["--seed", "--steps"]);
    expect(problem(() => requireOptions({ threat: [] }, ["model", "data", "threat"], "assess"))).toHaveLength(3);
  });

  it("belongs to commands: every option is used by one, every command has an example that names it", () => {
    const used = new Set<OptionName>([...COMMANDS.flatMap(({ options }) => options), "config", "debug"]);
    expect(Object.keys(OPTIONS).filter((name) => !used.has(name as OptionName))).toEqual([]);
    for (const { name, examples } of COMMANDS)
      expect(examples.every((line) => line.startsWith(name.split(" ")[0]!))).toBe(true);
  });
});

describe("progress", () => {
  const record = (isTTY: boolean, quiet = false) => {
    let text = "";
    let now = 0;
    const progress = new Progress({ isTTY, columns: 40, write: (more) => (text += more) }, quiet, () => now);
    return { progress, at: (time: number) => (now = time), text: () => text };
  };

  it("updates one line on a terminal, ten times a second at most", () => {
    const { progress, at, text } = record(true);
    for (const time of [0, 50, 120]) {
      at(time);
      progress.update(() => `at ${time}`);
    }
    progress.clear();
    expect(text()).toBe("\r\u001b[2Kat 0\r\u001b[2Kat 120\r\u001b[2K");
  });

  it("writes a line every ten seconds elsewhere, and none for a short run", () => {
    const { progress, at, text } = record(false);
    for (const time of [0, 9_000, 10_000, 19_000, 21_000]) {
      at(time);
      progress.update(() => `at ${time}`);
    }
    expect(text()).toBe("at 10000\nat 21000\n");
  });

  it("is silent when it should be quiet", () => {
    const { progress, text } = record(true, true);
    progress.update(() => "state");
    progress.line("news");
    expect(text()).toBe("");
  });
});
