// Shared by test.mjs and demo.mjs: installs what is missing and builds. No dependencies, so that it runs on a fresh clone.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

/** npm as a command: `npm.cmd` needs a shell on Windows. */
const NPM_SHELL = process.platform === "win32";

/** Runs a command in the project, shows its output unless `quiet`, and returns the exit status and the text. */
export function run(command, args, { cwd = ROOT, quiet = false, env = {} } = {}) {
  const result = spawnSync(command, args, {
    cwd,
    encoding: "utf8",
    env: { ...process.env, ...env },
    shell: command === "npm" && NPM_SHELL,
    stdio: quiet ? "pipe" : ["ignore", "inherit", "inherit"],
    maxBuffer: 2 ** 28,
  });
  if (result.error !== undefined) throw result.error;
  return { status: result.status ?? 1, stdout: result.stdout ?? "", stderr: result.stderr ?? "" };
}

export function tool(name) {
  const entry = JSON.parse(readFileSync(join(ROOT, "node_modules", name, "package.json"), "utf8"));
  const bin = typeof entry.bin === "string" ? entry.bin : Object.values(entry.bin)[0];
  return join(ROOT, "node_modules", name, bin);
}

/** Whether every dependency of the lockfile that this platform wants lies in node_modules. */
function isInstalled() {
  const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8"));
  return Object.entries(packages).every(([path, entry]) => {
    if (path === "" || entry.optional === true) return true;
    const file = join(ROOT, path, "package.json");
    return existsSync(file) && JSON.parse(readFileSync(file, "utf8")).version === entry.version;
  });
}

function need(step, { status, stdout, stderr }) {
  if (status === 0) return;
  console.error(`${stdout}${stderr}\n${step} failed.`);
  process.exit(1);
}

export function install() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`Node ${process.versions.node} is too old: 20.19 or later is needed.`);
    process.exit(2);
  }
  if (isInstalled()) return;
  console.error("Installing what is missing (npm ci --ignore-scripts) ...");
  need("npm ci", run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { quiet: true }));
}

/** Whether the build is newer than every source. */
function isBuilt() {
  const built = join(ROOT, "dist", "cli", "main.js");
  if (!existsSync(built)) return false;
  const { mtimeMs } = statSync(built);
  const sources = readdirSync(join(ROOT, "src"), { recursive: true }).map((name) => join(ROOT, "src", name));
  return [...sources, join(ROOT, "tsconfig.json")].every((file) => statSync(file).mtimeMs < mtimeMs);
}

export function build() {
  if (isBuilt()) return;
  need("The build", run(process.execPath, [tool("typescript"), "-p", "tsconfig.json"], { quiet: true }));
}
