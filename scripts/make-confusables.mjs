// Writes src/inputs/text/confusables.gen.ts from two data files of Unicode Technical Standard #39, which anybody can download from
// https://www.unicode.org/Public/security/ :
//   node scripts/make-confusables.mjs confusables.txt intentional.txt
import { readFileSync, writeFileSync } from "node:fs";

const [confusablesFile, intentionalFile] = process.argv.slice(2);
if (intentionalFile === undefined) throw new Error("usage: make-confusables.mjs confusables.txt intentional.txt");

const character = (hex) => String.fromCodePoint(Number.parseInt(hex, 16));
const isAscii = (text) => /^[!-~]$/.test(text);
/** Lines `SOURCE ; TARGET ...` as characters; sequences of several code points are left out. */
function pairs(file) {
  return readFileSync(file, "utf8")
    .replace(/^\ufeff/, "")
    .split("\n")
    .map((line) => /^([0-9A-F]+)\s*;\s*([0-9A-F]+)\s*[;#]/.exec(line))
    .filter((match) => match !== null)
    .map(([, source, target]) => [character(source), character(target)]);
}

/** What NFKC makes something else of is that normalization's business. */
const stable = (text) => text.normalize("NFKC") === text;
const table = new Map();
const add = (ascii) => {
  const others = table.get(ascii) ?? { intentional: [], others: [] };
  table.set(ascii, others);
  return others;
};
for (const [ascii, other] of pairs(intentionalFile)) if (isAscii(ascii)) add(ascii).intentional.push(other);
// In confusables.txt the target is the skeleton.
for (const [other, ascii] of pairs(confusablesFile))
  if (isAscii(ascii) && !/^[\0-\x7f]/.test(other) && stable(other) && !add(ascii).intentional.includes(other))
    add(ascii).others.push(other);

const version = /# Version: (\S+)/.exec(readFileSync(confusablesFile, "utf8"))[1];
const escaped = (list) =>
  list
    .map((one) => one.codePointAt(0))
    .sort((a, b) => a - b)
    .map((code) => (code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`))
    .join("");
const lines = [...table]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(
    ([ascii, { intentional, others }]) =>
      `  [${JSON.stringify(ascii)}, "${escaped(intentional)}", "${escaped(others)}"],`,
  );
writeFileSync(
  new URL("../src/inputs/text/confusables.gen.ts", import.meta.url),
  `// Made by scripts/make-confusables.mjs from Unicode's confusables.txt and intentional.txt, version ${version}
// (c) 1991-2025 Unicode, Inc., under the Unicode License v3: see NOTICE.

/** For an ASCII character: those that are drawn alike on purpose (intentional.txt), then all that may be confused with it and that NFKC keeps. */
export const CONFUSABLES: readonly (readonly [ascii: string, intentional: string, others: string])[] = [
${lines.join("\n")}
];
`,
);
