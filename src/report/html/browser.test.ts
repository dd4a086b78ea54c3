import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HOSTILE, RESULT, riskOf, storedRun } from "../stored-run.test.fixture.ts";
import { htmlReporter } from "./index.ts";
import { withLines } from "./lines.test.fixture.ts";

/** Debian's package; elsewhere these tests are skipped, and say so. */
const CHROMIUM = "/usr/bin/chromium";

describe.skipIf(!existsSync(CHROMIUM))("the report in Chromium", () => {
  let browser: Browser;
  let folder: string;
  const files: Record<string, string> = {};

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    folder = await mkdtemp(join(tmpdir(), "blindspot-report-"));
    const plain = storedRun({
      findings: 70,
      classes: ["stop", "yield", "a sign of which the name is long"],
      result: { risk: riskOf({ assessed: false }) },
    });
    const model = { ...RESULT.model, name: HOSTILE[0], classes: [...HOSTILE] };
    const hostile = storedRun({
      findings: 12,
      classes: HOSTILE,
      sampleName: (i) => HOSTILE[i % HOSTILE.length]!,
      result: { notTested: [...HOSTILE] },
    });
    const runs = { plain, hostile: { ...hostile, result: { ...hostile.result, model }, problems: [...HOSTILE] } };
    for (const [name, run] of Object.entries(runs)) {
      files[name] = join(folder, `${name}.html`);
      await writeFile(files[name], await htmlReporter.render(withLines(run), {}));
    }
  }, 120_000);

  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  interface Seen {
    readonly page: Page;
    /** Whatever the page asked for, complained about or popped up. */
    readonly trouble: string[];
  }

  async function open(name: string, options: Parameters<Browser["newPage"]>[0] = {}, hash = ""): Promise<Seen> {
    const page = await browser.newPage(options);
    const trouble: string[] = [];
    page.on("console", (message) => trouble.push(message.text()));
    page.on("pageerror", (error) => trouble.push(String(error)));
    page.on("dialog", (dialog) => trouble.push(dialog.message()));
    page.on("request", (request) => {
      if (!/^(file|data):/.test(request.url())) trouble.push(request.url());
    });
    await page.goto(`file://${files[name]}${hash}`);
    return { page, trouble };
  }

  const SHAPES = [1280, 390].flatMap((width) => (["light", "dark"] as const).map((scheme) => [width, scheme] as const));

  it.each(SHAPES)(
    "%i px, %s: nothing sticks out, every picture shows, nothing is asked for",
    async (width, colorScheme) => {
      const { page, trouble } = await open("plain", { viewport: { width, height: 900 }, colorScheme });
      const seen = await page.evaluate(`({
      wide: document.documentElement.scrollWidth - innerWidth,
      broken: [...document.images].filter((image) => image.naturalWidth === 0).length,
      images: document.images.length,
      background: getComputedStyle(document.body).backgroundColor,
    })`);
      expect(seen).toEqual({
        wide: 0,
        broken: 0,
        images: 188,
        background: colorScheme === "dark" ? "rgb(16, 19, 22)" : "rgb(245, 246, 247)",
      });
      expect(trouble).toEqual([]);
      await page.close();
    },
  );

  it("reads hostile names as text", async () => {
    const { page, trouble } = await open("hostile");
    const seen = await page.evaluate(`({
      scripts: document.scripts.length,
      strange: document.querySelectorAll("[onerror],[onload],img[src=x]").length,
      title: document.querySelector("h1").textContent,
      cards: document.querySelectorAll("article").length,
      text: document.body.innerText,
    })`);
    const { text, ...counts } = seen as { text: string };
    expect(counts).toEqual({ scripts: 1, strange: 0, title: HOSTILE[0], cards: 12 });
    for (const name of HOSTILE.filter((one) => !/\p{Cc}/u.test(one))) expect(text).toContain(name);
    expect(text).toContain("tab[U+0009]new[U+000A]line[U+202E]right to left[U+0000]");
    expect(trouble).toEqual([]);
    await page.close();
  });

  it("is sorted and filtered by keyboard alone", async () => {
    const { page } = await open("plain");
    const rows = () => page.locator("#all tbody tr:visible");
    const first = (column: number) =>
      page.locator(`#all tbody tr:visible >> nth=0 >> td >> nth=${column}`).textContent();
    await page.keyboard.press("/");
    await page.keyboard.type("YIELD → a sign");
    expect(await rows().count()).toBe(23);
    expect(await page.locator("#count").textContent()).toBe("23 of 70 findings");
    await page.keyboard.press("Control+A");
    await page.keyboard.press("Delete");
    expect(await rows().count()).toBe(70);
    // The table itself scrolls by keyboard; behind it come the buttons of its columns.
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.locator("#all th >> nth=1").getAttribute("aria-sort")).toBe("ascending");
    expect(await first(1)).toBe("img-0");
    await page.keyboard.press("Enter");
    expect(await first(1)).toBe("img-69");
    await page.close();
  });

  it("a number of the matrix leads to its findings", async () => {
    const { page } = await open("plain");
    await page.locator(".matrix a >> nth=0").click();
    expect(await page.locator("#count").textContent()).toBe("24 of 70 findings");
    await page.close();
  });

  it("a link to a finding opens at its card", async () => {
    const id = await (await open("plain")).page.locator("article").nth(30).getAttribute("id");
    const { page } = await open("plain", {}, `#${id}`);
    const top = await page.evaluate(`document.getElementById("${id}").getBoundingClientRect().top`);
    expect(Math.abs(top as number)).toBeLessThan(60);
    await page.close();
  });

  it("is all there without scripts", async () => {
    const { page } = await open("plain", { javaScriptEnabled: false });
    expect(await page.locator("#all tbody tr:visible").count()).toBe(70);
    expect(await page.locator("#tools").isVisible()).toBe(false);
    expect(await page.locator("#all th button").count()).toBe(0);
    await page.close();
  });

  it("gives every chart a name, a description and its table, and ids only once", async () => {
    const { page } = await open("plain");
    const seen = await page.evaluate(`({
      twice: [...document.querySelectorAll("[id]")].filter((one, _, all) => all.filter((other) => other.id === one.id).length > 1).length,
      dangling: [...document.querySelectorAll('a[href^="#"]')].filter((link) => !document.getElementById(link.hash.slice(1))).length,
      charts: [...document.querySelectorAll("svg[role=img]")].map((svg) => svg.querySelector("title").textContent !== "" && svg.querySelector("desc").textContent !== "" && svg.parentElement.querySelector("details table") !== null),
      unnamed: [...document.images].filter((image) => !image.alt).length,
    })`);
    expect(seen).toEqual({ twice: 0, dangling: 0, charts: [true, true, true, true], unnamed: 0 });
    await page.close();
  });
});
