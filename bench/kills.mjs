/**
 * What a corpus survives, counted: writers and minimizations killed by SIGKILL at random moments, four writers at once, and flipped bits in inputs. Prints
 * the counts of docs/reliability.md. Everything lies in a temporary folder, which is removed.
 *
 *   node bench/kills.mjs [--kills 200] [--flips 100]
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { renditionOf } from "../dist/corpus/entry.js";
import { sampleOf, storeAndShrink } from "../dist/corpus/renderer.test.fixture.js";
import { Corpus, diskFolder, Rng, verifyCorpus } from "../dist/index.js";
import { readOptions, report } from "./peer.mjs";

const options = readOptions({ kills: "200", flips: "100", out: undefined });
const program = fileURLToPath(new URL("../dist/corpus/renderer.test.fixture.js", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "blindspot-kills-"));
const rng = Rng.of(1);
/** Samples of one writer. */
const SAMPLES = 4;

/** Runs a writer; kills it so long after it said that it opened the corpus. Returns what it said, and how long it lived from then on. */
function writer(directory, from, to, killAfterMs = null) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, directory, String(from), String(to)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    let armed = killAfterMs !== null;
    let opened;
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      opened ??= performance.now();
      text += chunk;
      if (armed) setTimeout(() => child.kill("SIGKILL"), killAfterMs);
      armed = false;
    });
    child.on("error", reject);
    child.on("close", () => resolve({ lines: text.split("\n").slice(0, -1), ms: performance.now() - opened }));
  });
}

const files = (directory) =>
  readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) => /\.(json|png)$/.test(name)).length;

/** What was said to be done and is not there. */
async function missing(directory, said) {
  const corpus = await Corpus.open(await diskFolder(directory));
  const entries = new Map((await corpus.read()).entries.map((entry) => [entry.id, entry]));
  return [...said].filter((line) => {
    const [what, id] = line.split(" ");
    const entry = entries.get(id);
    return entry === undefined || (what === "shrunk" && renditionOf(entry, "minimal") === null);
  });
}

async function killed(count) {
  const directory = join(folder, "killed");
  const said = new Set();
  const counts = { kills: 0, betweenFirstAndLastWrite: 0, damaged: 0, lost: 0 };
  // How long a writer takes from its first word to its last, so that kills fall anywhere in between.
  const { ms: whole } = await writer(join(folder, "timing"), 0, SAMPLES);
  await writer(directory, 0, 1);
  for (let i = 0; i < count; i++) {
    const before = files(directory);
    const { lines } = await writer(directory, i * SAMPLES, (i + 1) * SAMPLES, rng.uniform() * whole);
    counts.kills++;
    const finished = lines.includes("done");
    if (!finished && files(directory) > before) counts.betweenFirstAndLastWrite++;
    for (const line of lines) if (/^(stored|shrunk) /.test(line)) said.add(line);
    if (i % 20 === 19) {
      const corpus = await Corpus.open(await diskFolder(directory));
      counts.damaged += (await verifyCorpus(corpus)).problems.length;
      counts.lost += (await missing(directory, said)).length;
    }
  }
  // The same writers, to their ends.
  const corpus = await Corpus.open(await diskFolder(directory));
  for (let i = 0; i < Math.min(count, 40) * SAMPLES; i++) await storeAndShrink(corpus, i, (line) => said.add(line));
  const { problems } = await verifyCorpus(corpus);
  counts.damaged += problems.length;
  counts.lost += (await missing(directory, said)).length;
  return { ...counts, saidToBeDone: said.size };
}

async function writersAtOnce() {
  const directory = join(folder, "four");
  await Corpus.create(await diskFolder(directory));
  const said = await Promise.all([0, 5, 10, 15].map((from) => writer(directory, from, from + 10)));
  const lines = new Set(said.flatMap(({ lines: all }) => all).filter((line) => /^(stored|shrunk) /.test(line)));
  const corpus = await Corpus.open(await diskFolder(directory));
  const { problems, leftovers, samples } = await verifyCorpus(corpus);
  return {
    writers: 4,
    samples,
    damaged: problems.length,
    leftOver: leftovers.length,
    lost: (await missing(directory, lines)).length,
  };
}

async function flipped(count) {
  const directory = join(folder, "flipped");
  const corpus = await Corpus.create(await diskFolder(directory));
  for (let i = 0; i < count; i++) await corpus.add(sampleOf(10_000 + i));
  const blobs = readdirSync(join(directory, "blobs"), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".png"),
  );
  const chosen = rng.shuffle(blobs).slice(0, count);
  for (const name of chosen) {
    const path = join(directory, "blobs", name);
    const bytes = new Uint8Array(readFileSync(path));
    bytes[rng.integer(bytes.length)] ^= 1 << rng.integer(8);
    writeFileSync(path, bytes);
  }
  const { problems } = await verifyCorpus(corpus);
  const named = new Set(problems.map(({ path }) => path).filter((path) => path.startsWith("blobs/")));
  let givenOut = 0;
  for (const { manifest } of (await corpus.read()).entries)
    for (const side of ["input", "clean"]) {
      const digest = manifest[side];
      if (!chosen.some((name) => name.includes(digest))) continue;
      // A flip in a part of a PNG that no decoder reads leaves the pixels as they were: that is the input, whole.
      const read = await corpus.readInput(manifest, digest);
      if (read.state === "good" && named.has(`blobs/${digest.slice(0, 2)}/${digest}.png`)) givenOut++;
    }
  return { flipped: chosen.length, named: named.size, givenOut, unharmed: chosen.length - named.size };
}

try {
  const result = {
    killed: await killed(Number(options.kills)),
    atOnce: await writersAtOnce(),
    bits: await flipped(Number(options.flips)),
  };
  report(result, options.out);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
