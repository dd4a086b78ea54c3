/**
 * Texts beside TextAttack's recipes: the same messages, the same model file, as many words edited, equal query budgets. What either side returns is judged by the
 * same code: the file must answer otherwise, alone, and the text must lie within the threat. Both sides take turns, so that a busy machine slows both.
 *
 *   node bench/text.mjs --python VENV/bin/python --model sms_spam_tfidf_lr.onnx \
 *     --data "tsv:sms_spam.tsv?header=no&label=0&text=1&quote=none" [--class spam|any] [--samples 100] [--queries 300] [--out FILE]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import {
  nodeRuntime,
  openClassifier,
  openDataset,
  parseThreat,
  planProfiles,
  runSamples,
  textOf,
  textPoint,
} from "../dist/index.js";
import { median, readOptions, report, startPeer } from "./peer.mjs";

const options = readOptions({
  python: "python3",
  model: undefined,
  data: undefined,
  class: "spam",
  samples: "100",
  queries: "300",
  turn: "50",
  seed: "0",
  out: undefined,
});
const [wanted, queries, turn, seed] = ["samples", "queries", "turn", "seed"].map((key) => Number(options[key]));
/** Pruthi edits a character of each of K words; DeepWordBug a character of each of K words, chosen by importance. */
const MATCHES = [
  { recipe: "pruthi", words: 1 },
  { recipe: "deepwordbug", words: 1 },
  { recipe: "deepwordbug", words: 2 },
  { recipe: "deepwordbug", words: 5 },
];
const OURS = ["text-greedy", "text-beam"];

const data = await openDataset(options.data);
const runtime = await nodeRuntime({ workers: 1, threads: 1 });
const classifier = await openClassifier(options.model, {
  runtime,
  dims: data.dims,
  classes: data.classes,
});
const target = data.classes === null ? Number(options.class) : data.classes.indexOf(options.class);
const isWanted = (label) => options.class === "any" || label === target;
const predicted = async (point) => {
  const scores = await classifier.verify(point);
  return scores.indexOf(Math.max(...scores));
};
const samples = [];
for (let i = 0; i < data.length && samples.length < wanted; i++) {
  if (!isWanted(data.labels[i])) continue;
  const sample = await data.sample(i);
  if ((await predicted(sample.point)) === sample.label) samples.push(sample);
}

const folder = mkdtempSync(join(tmpdir(), "blindspot-bench-"));
const peer = startPeer(options.python, { server: "textattack_server.py", threads: 1 });
const { textattack } = await peer.ask({ do: "load", model: options.model, nltk: folder });

async function theirs({ recipe, words }, some) {
  const texts = some.map(({ point }) => textOf(point));
  const labels = some.map(({ label }) => label);
  const { results, seconds } = await peer.ask({ do: "attack", recipe, words, budget: queries, seed, texts, labels });
  return { results, seconds };
}

async function ours(attack, threat, some) {
  const { dims, classes, capabilities } = classifier;
  const context = { threat, dims, classes: classes.length, capabilities, surrogate: false };
  const { profiles } = planProfiles([attack], null, { queries, set: [`${attack}.queries=${queries}`] }, context);
  async function* stream() {
    yield* some;
  }
  const found = new Map();
  const [began, before] = [performance.now(), process.cpuUsage()];
  for await (const { index, profiles: outcomes } of runSamples(stream(), { classifier, threat, profiles, seed })) {
    const attempt = outcomes[0].attempts[0];
    found.set(index, {
      text: attempt.found === null ? null : textOf(attempt.found.point),
      queries: attempt.queries,
    });
  }
  const clock = (performance.now() - began) / 1000;
  const used = process.cpuUsage(before);
  const processor = (used.user + used.system) / 1e6;
  return { results: some.map(({ index }) => found.get(index)), seconds: { clock, processor } };
}

/** What a result is worth: the same code for both sides. */
async function judge({ text, queries: used }, { point: clean, label }, threat) {
  if (text === null) return { text, queries: used, verdict: "not found" };
  if ([...text].length > clean.length) return { text, queries: used, verdict: "too long" };
  const point = textPoint(text, clean.length);
  if ((await predicted(point)) === label) return { text, queries: used, verdict: "does not fool" };
  const violation = threat.violation(point, clean);
  if (violation !== null) return { text, queries: used, verdict: `outside the threat: ${violation}` };
  return { text, queries: used, verdict: used <= queries ? "fooled" : "beyond the budget" };
}

function summary(judged, seconds) {
  const won = judged.filter(({ verdict }) => verdict === "fooled");
  const middle = median(judged.map(({ verdict, queries: used }) => (verdict === "fooled" ? used : Infinity)));
  return {
    fooled: won.length,
    of: judged.length,
    meanQueries: judged.reduce((sum, { queries: used }) => sum + used, 0) / judged.length,
    claimedButRefused: judged.filter(({ text, verdict }) => text !== null && verdict !== "fooled").length,
    medianQueries: Number.isFinite(middle) ? middle : null,
    medianQueriesOfFooled: won.length === 0 ? null : median(won.map(({ queries: used }) => used)),
    samplesPerSecond: judged.length / seconds.clock,
    processorMsPerSample: (1000 * seconds.processor) / judged.length,
  };
}

const table = [];
for (const match of MATCHES) {
  const threat = parseThreat(`text:characters=${match.words}`, { texts: true });
  const sides = new Map([[match.recipe, []], ...OURS.map((attack) => [attack, []])]);
  const times = new Map([...sides.keys()].map((side) => [side, { clock: 0, processor: 0 }]));
  for (let from = 0; from < samples.length; from += turn) {
    const some = samples.slice(from, from + turn);
    for (const side of sides.keys()) {
      const { results, seconds } = await (side === match.recipe ? theirs(match, some) : ours(side, threat, some));
      for (const kind of ["clock", "processor"]) times.get(side)[kind] += seconds[kind];
      for (const [i, result] of results.entries()) sides.get(side).push(await judge(result, some[i], threat));
    }
  }
  const rows = Object.fromEntries([...sides].map(([side, judged]) => [side, summary(judged, times.get(side))]));
  const against = (ratio) =>
    Object.fromEntries(OURS.map((attack) => [attack, ratio(rows[attack], rows[match.recipe])]));
  const timesFaster = against((own, other) => own.samplesPerSecond / other.samplesPerSecond);
  // On a busy machine the clock counts how long we wait for a processor, and ours takes turns between two threads.
  const timesLessProcessor = against((own, other) => other.processorMsPerSample / own.processorMsPerSample);
  table.push({ ...match, threat: `text:characters=${match.words}`, rows, timesFaster, timesLessProcessor });
}
peer.stop();
rmSync(folder, { recursive: true, force: true });
await runtime.close();
const result = { textattack, model: basename(options.model), class: options.class, queries, table };
report(result, options.out);
