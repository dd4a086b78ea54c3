import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Result } from "../../assess/schema.ts";
import type { StoredRun } from "../../assess/store.ts";
import { HOSTILE, RESULT, riskOf, storedRun, THREAT } from "../stored-run.test.fixture.ts";
import { onePageReporter } from "./index.ts";

const render = (run: StoredRun) => onePageReporter.render(run, {});

const LONG =
  "a class name that goes on and on, as names of products and diagnoses do, WITHOUTANYBLANKINITFORAVERYLONGTIME";
const PROFILES = (["white-box", "score", "label", "transfer"] as const).map((knowledge) => ({
  ...THREAT.profiles[0]!,
  knowledge,
}));

/** Everything that takes room, at once. */
function crowded(threats: number): StoredRun {
  const sentence = `${LONG} `.repeat(4);
  const risk = riskOf({ assessed: false });
  const result: Partial<Result> = {
    status: "partial",
    options: { model: LONG, data: LONG, classes: LONG, out: "run", attacks: ["quick"] },
    model: { ...RESULT.model, name: `${LONG}.onnx`, classes: [LONG, `${LONG}!`] },
    runtime: { name: LONG, version: LONG, provider: "cpu", threads: 1, optimization: "all" },
    data: { ...RESULT.data, spec: sentence, draw: sentence },
    threats: Array.from({ length: threats }, (_, i) => ({
      ...THREAT,
      id: `l0:${i + 1}?${LONG};uint8;targeted:1`,
      norm: "l2",
      goal: "targeted:1",
      profiles: PROFILES,
    })),
    checks: [{ id: LONG, status: "fail", detail: sentence, try: sentence }],
    risk: { ...risk, threats: [{ ...risk.threats[0]!, arithmetic: sentence.repeat(2) }] },
    notTested: Array(20).fill(sentence),
  };
  const run = storedRun({ findings: 5, classes: [LONG, `${LONG}!`], sampleName: () => LONG, result });
  return { ...run, problems: Array(9).fill(sentence) };
}

/** Findings about what is no image: no pictures, fields instead. */
function vectors(): StoredRun {
  const run = storedRun({ findings: 5 });
  const fields = [0, 1, 2, 3].map((index) => ({ index, name: `${LONG} ${index}`, from: 123456.789, to: -0.000123 }));
  return {
    ...run,
    findings: run.findings.map((finding) => ({
      ...finding,
      subject: { ...finding.subject, modality: "vector" },
      perturbation: { ...finding.perturbation, location: { kind: "sparse", support: 0.2, fields } },
    })),
  };
}

const none: Partial<Result> = {
  threats: [{ ...THREAT, robustAccuracy: { ...THREAT.robustAccuracy, of: 0, unbroken: 0 }, curve: [] }],
  checks: [],
};

const RUNS: readonly (readonly [string, StoredRun])[] = [
  ["no finding", storedRun({ findings: 0 })],
  ["one finding", storedRun({ findings: 1 })],
  ["a thousand findings", storedRun({ findings: 1000 })],
  [
    "a risk, and every attacker",
    storedRun({ result: { risk: riskOf({ assessed: true }), threats: [{ ...THREAT, profiles: PROFILES }] } }),
  ],
  ["nothing evaluated", storedRun({ findings: 0, result: none })],
  ["hostile names", storedRun({ findings: 12, classes: HOSTILE, sampleName: (i) => HOSTILE[i % HOSTILE.length]! })],
  ["vectors", vectors()],
  ["long names everywhere", crowded(1)],
  ["two threats of four attackers", crowded(2)],
  ["three hundred threats", crowded(300)],
];

describe("onePageReporter", () => {
  it("depends on the run alone", async () => {
    expect(await render(storedRun())).toBe(await render(storedRun()));
  });

  it("escapes whatever names hold", async () => {
    const model = { ...RESULT.model, name: HOSTILE[0], classes: [...HOSTILE] };
    const page = await render(storedRun({ findings: 12, classes: HOSTILE, result: { model } }));
    expect(page).not.toMatch(/<script|onerror=alert\(1\)>|<\/td><\/table><img/);
    expect(page).toContain("&lt;script&gt;");
    expect(page).not.toContain("\u202e");
  });

  it("strikes a withdrawn figure through, and says why", async () => {
    const checks = [{ id: "gradients-zero", status: "fail" as const, detail: "39 of 39", try: "a score attack" }];
    const page = await render(storedRun({ result: { checks } }));
    expect(page).toContain("<s>15.0</s>");
    expect(page).toMatch(/Withdrawn:<\/b> <bdi>39 of 39<\/bdi>\. Try: <bdi>a score attack/);
    expect(page).toContain("Do not rely on the 15.0 % at linf:8/255");
  });

  it("says how many threats and findings are not on it", async () => {
    expect(await render(crowded(300))).toContain("and 294 more threats");
    expect(await render(storedRun({ findings: 1000 }))).toContain("1,000 verified findings, 3 of them above");
  });
});

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);

describe.skipIf(CHROMIUM === undefined)("printed by headless Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ["--no-sandbox"] });
  });
  afterAll(() => browser?.close());

  it.each(RUNS)("%s: one sheet of A4, and nothing is cut off", { timeout: 20_000 }, async (_name, run) => {
    const page = await browser.newPage();
    await page.emulateMedia({ media: "print" });
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));
    await page.setContent(await render(run));
    // What does not fit would be hidden: it must not come to that.
    const overflow = await page.$eval("main", (main) => [
      main.scrollHeight - main.clientHeight,
      main.scrollWidth - main.clientWidth,
    ]);
    expect(overflow).toEqual([0, 0]);
    const pdf = (await page.pdf({ preferCSSPageSize: true })).toString("latin1");
    await page.close();
    expect(pdf.match(/\/Type\s*\/Page\b/g)).toHaveLength(1);
    const [width, height] = /\/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)/.exec(pdf)!.slice(1).map(Number) as [
      number,
      number,
    ];
    // A4 in points.
    expect(Math.abs(width - 595.28) + Math.abs(height - 841.89)).toBeLessThan(1);
    expect(asked.filter((url) => !url.startsWith("data:") && url !== "about:blank")).toEqual([]);
  });
});
