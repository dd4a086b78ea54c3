// The picture of the README: the head of a run's report, as Chromium shows it at 1280 pixels.
//
//   npm run demo -- --out DEMO && node scripts/screenshot.mjs DEMO/natural docs/report.png
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { readRun } from "../dist/assess/files-read.js";
import { htmlReporter } from "../dist/report/html/index.js";

const [run, out] = process.argv.slice(2);
if (out === undefined) {
  console.error("usage: node scripts/screenshot.mjs RUN OUT.png   (BLINDSPOT_CHROMIUM names another browser)");
  process.exit(2);
}
const executablePath = process.env.BLINDSPOT_CHROMIUM ?? "/usr/bin/chromium";
const COLORS = 128;

const folder = await mkdtemp(join(tmpdir(), "blindspot-screenshot-"));
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
try {
  const file = join(folder, "report.html");
  await writeFile(file, await htmlReporter.render(await readRun(run), {}));
  const page = await browser.newPage({ viewport: { width: 1280, height: 786 }, colorScheme: "light" });
  await page.goto(pathToFileURL(file).href);
  await sharp(await page.screenshot())
    .png({ palette: true, colors: COLORS, compressionLevel: 9 })
    .toFile(out);
} finally {
  await browser.close();
  await rm(folder, { recursive: true });
}
