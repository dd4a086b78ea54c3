/** Reads labelled messages, and holds some of them out. */
import { readFileSync } from "node:fs";

/** In the order of the model's outputs. */
export const CLASSES = ["ham", "spam"];
/** One of so many parts is held out. */
const PARTS = 10;

/** @typedef {{ readonly label: number, readonly text: string }} Message */

/** LABEL TAB TEXT, one a line, no quotes. @param {string} path @returns {Message[]} */
export function readMessages(path) {
  const lines = readFileSync(path, "utf8")
    .split(/\r?\n/)
    .filter((line) => line !== "");
  return lines.map((line) => {
    const tab = line.indexOf("\t");
    return { label: CLASSES.indexOf(line.slice(0, tab)), text: line.slice(tab + 1) };
  });
}

/** Messages that differ in numbers, case, spaces or punctuation only stay on one side. @param {string} text */
const groupOf = (text) =>
  text
    .toLowerCase()
    .replace(/\d/g, "0")
    .replace(/[^\p{L}0]/gu, "");

/** @param {readonly Message[]} messages @param {(groups: string[]) => string[]} shuffled */
export function split(messages, shuffled) {
  const sizes = new Map();
  for (const { text } of messages) sizes.set(groupOf(text), (sizes.get(groupOf(text)) ?? 0) + 1);
  const held = new Set();
  let size = 0;
  for (const group of shuffled([...sizes.keys()])) {
    if (size >= messages.length / PARTS) break;
    held.add(group);
    size += sizes.get(group);
  }
  /** @param {Message} message */
  const inTest = ({ text }) => held.has(groupOf(text));
  return { training: messages.filter((message) => !inTest(message)), test: messages.filter(inTest) };
}
