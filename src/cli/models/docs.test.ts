import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseTemplate } from "../../models/queried/json-template.ts";
import { COMMANDS } from "../commands.ts";
import { halvesData, writeFiles } from "../halves.test.fixture.ts";
import { longFlag } from "../options.ts";
import { openAttacked } from "./open-attacked.ts";

const PAGE = readFileSync(fileURLToPath(new URL("../../../docs/endpoints.md", import.meta.url)), "utf8");
const blocks = (language: string) =>
  [...PAGE.matchAll(new RegExp(`\`\`\`${language}\n([^\`]*)\`\`\``, "g"))].map(([, text]) => text!);
/** Data that has every form. */
const FORMS = { record: () => ({}), image: () => Promise.resolve("") };
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "blindspot-docs-"));
  writeFiles(folder, { "data.npz": halvesData() });
  for (const text of blocks("js")) writeFileSync(join(folder, /^\/\/ (\S+)/.exec(text)![1]!), text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("docs/endpoints.md", () => {
  it("shows a function and a program that do the same", async () => {
    const fingerprints: unknown[] = [];
    for (const model of [`${folder}/model.mjs#classify`, `cmd:${process.execPath} ${folder}/program.mjs`]) {
      const sitting = { journal: null, folder: null, signal: new AbortController().signal, dryRun: false };
      const target = await openAttacked({ model, data: `npz:${folder}/data.npz` }, sitting);
      fingerprints.push(target.facts.fingerprint);
      expect(target.classifier.capabilities.output).toBe("scores");
      await target.close();
    }
    expect(fingerprints[0]).toBe(fingerprints[1]);
  });

  it("shows adapters that can be read", () => {
    for (const text of blocks("json")) parseTemplate(JSON.parse(text), "adapter.json", FORMS);
  });

  it("names options that assess has", () => {
    const { options } = COMMANDS.find(({ name }) => name === "assess")!;
    const known = options.map(longFlag);
    const named = [...PAGE.matchAll(/--[a-z][a-z-]+/g)].map(([flag]) => flag);
    expect(named.filter((flag) => !known.includes(flag))).toEqual([]);
  });
});
