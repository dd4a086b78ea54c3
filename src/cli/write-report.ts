import { spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { writeWhole } from "../assess/files.ts";
import { readRun } from "../assess/files-read.ts";
import type { ReportFormat } from "../report/formats.ts";
import type { ReportOptions } from "../report/reporters.ts";
import { readRunCorpus } from "./corpus/keep.ts";

/** Where a report lies in the folder of its run, if nothing else is said. */
export const REPORT_NAMES: Readonly<Record<ReportFormat, string>> = {
  html: "report.html",
  "one-page": "one-page.html",
  markdown: "report.md",
  csv: "findings.csv",
};

export interface Rendered {
  readonly text: string;
  /** What is missing of the run, or was changed. The report says it too. */
  readonly problems: readonly string[];
}

/** A report of the run in this folder; reporters are loaded when one is asked for. */
export async function renderReport(
  directory: string,
  format: ReportFormat,
  options: ReportOptions = {},
): Promise<Rendered> {
  const run = await readRun(directory);
  const { REPORTERS } = await import("../report/formats.ts");
  const corpus = await readRunCorpus(directory);
  return { text: await REPORTERS[format].render(run, { corpus, ...options }), problems: run.problems };
}

/** Writes the report of a run that has just ended, and returns its path. */
export async function writeReport(directory: string, format: ReportFormat = "html"): Promise<string> {
  const path = join(directory, REPORT_NAMES[format]);
  await writeWhole(path, (await renderReport(directory, format)).text);
  return path;
}

/** The program that opens a file as the desktop would, without a shell in between. */
const OPENERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};
/** An opener that still runs by then has found something to show. */
const OPENER_MS = 3000;

/** Opens a file with the desktop's program for it. Returns null, or why it could not. */
export function openFile(path: string): Promise<string | null> {
  const [program = "xdg-open", ...args] = OPENERS[process.platform] ?? ["xdg-open"];
  return new Promise((settle) => {
    const child = spawn(program, [...args, resolve(path)], { stdio: "ignore", detached: true });
    const timer = setTimeout(() => settle(null), OPENER_MS);
    const end = (reason: string | null) => {
      clearTimeout(timer);
      settle(reason);
    };
    child.on("error", (error: NodeJS.ErrnoException) =>
      end(error.code === "ENOENT" ? `there is no ${program} here` : error.message),
    );
    child.on("exit", (code) => end(code === 0 ? null : `${program} ended with ${code}`));
    child.unref();
  });
}
