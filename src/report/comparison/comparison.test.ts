import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CompareOptions, compareRuns } from "../../assess/compare/compare.ts";
import { AFTER, runOf, THREATS, TRAINING } from "../../assess/compare/two-runs.test.fixture.ts";
import { type Comparison, comparisonSchema, type Result } from "../../assess/schema.ts";
import { proportion } from "../../assess/statistics.ts";
import { HOSTILE, RESULT } from "../stored-run.test.fixture.ts";
import { comparisonText } from "./console.ts";
import { COMPARISON_REPORTERS } from "./formats.ts";
import { direction, points, pText } from "./rows.ts";

const rate = (count: number, of: number) => ({ ...proportion(count, of), count, of });
const COST = {
  bytes: { before: 454_511, after: 454_718 },
  latency: {
    before: { single: 0.41, full: 0.057 },
    after: { single: 0.4, full: 0.058 },
    fullBatch: 64,
    rounds: 100,
  },
};
const DETECTION: Comparison["detections"][number] = {
  detector: "Mahalanobis distance on 64 features",
  version: "after",
  threat: THREATS[0]!.id,
  falsePositiveBudget: 0.05,
  falsePositives: rate(2, 100),
  accuracyWithRejection: rate(35, 100),
  bypass: rate(61, 97),
  auroc: 0.61,
};
const FATES = ["bbbbbbbbbbww....x.ss", "....bbb..s.w...bx.s."] as const;

function made(options: CompareOptions = {}, result: Partial<Result> = {}): Comparison {
  const [before, after] = [
    runOf(FATES[0], result),
    runOf(FATES[1], { ...result, ...AFTER, model: { ...(result.model ?? RESULT.model), ...pick(result) } }),
  ];
  return compareRuns(before, after, {
    training: TRAINING,
    trainedOn: new Set(),
    cost: COST,
    detections: [DETECTION],
    toolVersion: "0.1.0",
    ...options,
  });
}
const pick = ({ model }: Partial<Result>) => ({ sha256: AFTER.model!.sha256!, name: model?.name ?? AFTER.model!.name });

const plain = made();
const overlapping = made({ trainedOn: new Set(["0".padStart(64, "0")]), allowOverlap: true });
const unknown = (() => {
  const { training: _, cost: __, ...rest } = plain;
  return { ...rest, training: null, cost: null, detections: [] };
})();
const hostileName = HOSTILE[0];
const hostile = (() => {
  const model = { ...RESULT.model, name: hostileName, classes: [...HOSTILE] };
  const text = made(
    {
      training: { ...TRAINING, train: { ...TRAINING.train, spec: hostileName }, stopped: hostileName },
      notes: [...HOSTILE],
    },
    { model, data: { ...RESULT.data, spec: hostileName, draw: hostileName }, notTested: [...HOSTILE] },
  );
  const { changes } = text.threats[0]!;
  const renamed = changes.gained.map((one, i) => ({
    ...one,
    sample: HOSTILE[i % HOSTILE.length]!,
    label: i % HOSTILE.length,
  }));
  // The widest figures there are.
  const [before, after] = [text.clean.before, text.clean.after].map((side) => ({ ...side, value: 1 }));
  return {
    ...text,
    clean: { ...text.clean, before: before!, after: after! },
    threats: [{ ...text.threats[0]!, changes: { ...changes, gained: renamed } }],
  };
})();
const CASES = { plain, overlapping, unknown, hostile } as const;

describe("figures of a difference", () => {
  it.each([
    [0.3124, "+31.2"],
    [-0.004, "-0.4"],
    [-0.0004, "0.0"],
    [0, "0.0"],
    [1, "+100.0"],
  ])("%d is %s points", (value, text) => expect(points(value)).toBe(text));

  it.each([
    [0.0391, "p = 0.039"],
    [0.00001, "p < 0.001"],
    [1, "p = 1.000"],
  ])("p of %d", (p, text) => expect(pText(p)).toBe(text));

  it("says better or worse only where the interval leaves out 0", () => {
    const of = (low: number, high: number) => direction({ ...plain.clean, difference: { value: 0.1, low, high } });
    expect([of(0.01, 0.2), of(0, 0.2), of(-0.3, -0.1), of(-0.1, 0.2)]).toEqual([
      "better",
      "unclear",
      "worse",
      "unclear",
    ]);
  });
});

describe("the text for a terminal", () => {
  it("has every figure", () =>
    expect(comparisonText(overlapping)).toMatchInlineSnapshot(`
      "signs.onnx -> hardened.onnx: before and after
      Data       npz:test.npz: seeded draw of 200 of 1000, stratified by class; seed 0; 19 samples in both; set aside because they were trained on: 1
      Training   pgd against linf:8/255, 5 epochs in 62 s on 4,000 samples, epoch 4 kept
      Not used   square
      NOTE       Overlap: samples that were trained on, or belong to a group that was: 1 of 20; they are in no rate

                                before           after             points [95 %]  gained / lost          trained on
        without attack     94.7 % (18)     94.7 % (18)        0.0 [-17.7, +17.7]          0 / 0         1 -> 1 of 1
      Under linf:8/255, trained against
        white-box           36.8 % (7)     68.4 % (13)       +31.6 [+2.8, +53.5]          7 / 1         0 -> 1 of 1
        score               36.8 % (7)     63.2 % (12)       +26.3 [-0.9, +48.1]          6 / 1         0 -> 1 of 1
        all attackers       26.3 % (5)     57.9 % (11)       +31.6 [+2.8, +53.7]          7 / 1         0 -> 1 of 1
      Size       454,511 -> 454,718 bytes
      Latency    0.41 ms alone, 0.057 ms in a batch of 64 -> 0.40 ms alone, 0.058 ms in a batch of 64 (a row)
      Detector   Mahalanobis distance on 64 features, after, at linf:8/255: 35.0 % correct and accepted (35 of 100), 2.0 % of clean inputs rejected
      Lost under linf:8/255: samples 15 (yield)
      Under linf:8/255 it stands better: 26.3 % to 57.9 % (+31.6 points [+2.8, +53.7]). Without attack: 94.7 % to 94.7 % (0.0 points [-17.7, +17.7]).
      Differences are after minus before, in percentage points, with 95 % intervals: Newcombe's method 10 for paired proportions (1998). Gained and lost: pairs that changed; p: McNemar's test, two-sided mid-p.
      "
    `));

  it("strikes what a failed check withdraws, and says why", () => {
    const check = { version: "after" as const, check: "gradient-check", detail: "gradients are zero" };
    const text = comparisonText({ ...plain, threats: [{ ...plain.threats[0]!, withdrawn: [check] }] });
    expect(text).toContain("WITHDRAWN  linf:8/255: gradient-check failed after: gradients are zero");
    expect(text).toContain("withdrawn: +");
  });

  it("shows characters that nobody would see", () => {
    const unseen = Array.from(comparisonText(hostile)).filter((sign) => sign === "\u202e" || sign === "\u0000");
    expect(unseen).toEqual([]);
  });
});

describe.each(Object.keys(COMPARISON_REPORTERS) as (keyof typeof COMPARISON_REPORTERS)[])("as %s", (format) => {
  const { render } = COMPARISON_REPORTERS[format];

  it("is a function of the stored comparison: the same bytes each time", () => {
    const stored = comparisonSchema.parse(JSON.parse(JSON.stringify(plain)));
    expect(render(stored)).toBe(render(plain));
  });

  it("tells of overlap beside the headline", () => {
    expect(render(overlapping)).toContain("samples that were trained on, or belong to a group that was: 1 of 20");
  });

  it("makes do without a log, costs and detectors", () => {
    expect(render(unknown)).not.toMatch(/undefined|NaN|\[object/);
    expect(render(plain)).not.toMatch(/undefined|NaN|\[object/);
  });

  it("says which attacks the training did not know", () => expect(render(plain)).toContain("square"));

  it("withdraws figures", () => {
    const check = { version: "before" as const, check: "gradient-check", detail: "gradients are zero" };
    const text = render({ ...plain, threats: [{ ...plain.threats[0]!, withdrawn: [check] }] });
    expect(text).toMatch(/withdrawn/i);
    expect(text).toMatch(format === "markdown" ? /~~\+/ : /<s>/);
  });
});

it("the page says settings in words", () => {
  const optimizer = { kind: "sgd", momentum: 0.9 };
  const settings = { method: "pgd", epochs: 5, batch: 100, optimizer, learningRate: 0.01, reinitialize: true };
  expect(COMPARISON_REPORTERS.html.render(made({ training: { ...TRAINING, settings } }))).toContain(
    "batch 100, optimizer sgd momentum 0.9, learning rate 0.01, reinitialize yes",
  );
});

/** Debian's package; elsewhere these tests are skipped, and say so. */
const CHROMIUM = "/usr/bin/chromium";

describe.skipIf(!existsSync(CHROMIUM))("the pages in Chromium", () => {
  let browser: Browser;
  let folder: string;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    folder = await mkdtemp(join(tmpdir(), "blindspot-comparison-"));
    for (const [name, comparison] of Object.entries(CASES))
      for (const format of ["html", "one-page"] as const)
        await writeFile(join(folder, `${name}.${format}.html`), COMPARISON_REPORTERS[format].render(comparison));
  }, 120_000);
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  async function open(name: string, options: Parameters<Browser["newPage"]>[0]) {
    const page = await browser.newPage(options);
    const trouble: string[] = [];
    page.on("console", (message) => trouble.push(message.text()));
    page.on("dialog", (dialog) => trouble.push(dialog.message()));
    page.on("request", (request) => {
      if (!/^(file|data):/.test(request.url())) trouble.push(request.url());
    });
    await page.goto(`file://${join(folder, `${name}.html`)}`);
    return { page, trouble };
  }

  const SHAPES = Object.keys(CASES).flatMap((name) =>
    [1280, 390].flatMap((width) => (["light", "dark"] as const).map((scheme) => [name, width, scheme] as const)),
  );

  it.each(SHAPES)("%s at %i px, %s: nothing sticks out, nothing is asked for", async (name, width, colorScheme) => {
    const { page, trouble } = await open(`${name}.html`, {
      viewport: { width, height: 900 },
      colorScheme,
      javaScriptEnabled: true,
    });
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    const outside = await page.evaluate(`[...document.querySelectorAll(".tiles .nowrap")].filter((figure) =>
      figure.getBoundingClientRect().right > figure.closest("li").getBoundingClientRect().right - 8).length`);
    expect(outside).toBe(0);
    expect(trouble).toEqual([]);
    await page.close();
  });

  it("reads hostile names as text", async () => {
    const { page, trouble } = await open("hostile.html", {});
    const seen = await page.evaluate(`({
      scripts: document.scripts.length,
      strange: document.querySelectorAll("[onerror],[onload],img,iframe,link").length,
      text: document.body.innerText,
    })`);
    const { text, ...counts } = seen as { text: string };
    expect(counts).toEqual({ scripts: 0, strange: 0 });
    expect(text).toContain("[U+202E]");
    expect(trouble).toEqual([]);
    await page.close();
  });

  it("gives every chart a name, a description and its table, and ids only once", async () => {
    const { page } = await open("plain.html", {});
    const seen = await page.evaluate(`({
      twice: [...document.querySelectorAll("[id]")].filter((one, _, all) => all.filter((other) => other.id === one.id).length > 1).length,
      dangling: [...document.querySelectorAll('a[href^="#"]')].filter((link) => !document.getElementById(link.hash.slice(1))).length,
      charts: [...document.querySelectorAll("svg[role=img]")].map((svg) => svg.querySelector("title").textContent !== "" && svg.querySelector("desc").textContent.includes("before") && svg.parentElement.querySelector("details table") !== null),
    })`);
    expect(seen).toEqual({ twice: 0, dangling: 0, charts: [true] });
    await page.close();
  });

  it.each(Object.keys(CASES))("one sheet of %s: on one page, and nothing is cut off", async (name) => {
    const { page, trouble } = await open(`${name}.one-page`, { viewport: { width: 1000, height: 1300 } });
    const overflow = await page.evaluate(
      "(main => main.scrollHeight - main.clientHeight)(document.querySelector('main'))",
    );
    expect(overflow).toBeLessThanOrEqual(0);
    const pdf = (await page.pdf({ preferCSSPageSize: true, printBackground: true })).toString("latin1");
    expect(pdf.match(/\/Type\s*\/Page\b/g)).toHaveLength(1);
    expect(trouble).toEqual([]);
    await page.close();
  });
});
