import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Classifier, explainGradient, openClassifier, openModel, operators, Rng } from "../../src/index.ts";
import { textPoint } from "../../src/inputs/text/code-points.ts";
import { CLASSES, readMessages, split } from "./messages.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const data = join(process.env["BLINDSPOT_DATA"] ?? "../shared/data", "text/sms_spam.tsv");
/** As in scripts/train-spam.mjs. */
const SEED = 1;

let classifier: Classifier;
beforeAll(async () => {
  classifier = await openClassifier(`${here}spam.onnx`, { classes: CLASSES });
});
afterAll(() => classifier.close());

type Messages = ReturnType<typeof readMessages>;

async function rightOf(messages: Messages): Promise<boolean[]> {
  const size = Math.max(...messages.map(({ text }) => Array.from(text).length));
  const rows = new Float32Array(messages.length * size);
  messages.forEach(({ text }, i) => {
    rows.set(textPoint(text, size), i * size);
  });
  const scores = await classifier.scores({ data: rows, count: messages.length });
  return messages.map(({ label }, i) => Number(scores[2 * i + 1]! > scores[2 * i]!) === label);
}

describe("messages.tsv", () => {
  const messages = readMessages(`${here}messages.tsv`);

  it("holds forty different messages of both classes, in ASCII", () => {
    expect(messages).toHaveLength(40);
    expect(new Set(messages.map(({ text }) => text)).size).toBe(40);
    expect(messages.filter(({ label }) => label === 1)).toHaveLength(16);
    expect(readFileSync(`${here}messages.tsv`, "utf8")).toMatch(/^[\t\n -~]*$/);
  });

  it("names nobody's number: those set aside for fiction, and short codes", () => {
    const numbers = messages.flatMap(({ text }) => text.match(/\d{7,}/g) ?? []);
    expect(numbers.length).toBeGreaterThan(5);
    for (const number of numbers) expect(number).toMatch(/^(090987901\d\d|080815701\d\d)$/);
  });

  it("is what the filter gets right, together and alone", async () => {
    const right = await rightOf(messages);
    expect(right.filter(Boolean).length).toBeGreaterThanOrEqual(38);
    for (const [i, { label, text }] of messages.entries()) {
      const [ham, spam] = await classifier.verify(textPoint(text, 200));
      expect(Number(spam! > ham!) === label).toBe(right[i]);
    }
  });
});

describe("spam.onnx", () => {
  it("is small, takes tokens, and has a gradient at its embeddings", async () => {
    expect(statSync(`${here}spam.onnx`).size + statSync(`${here}tokenizer.json`).size).toBeLessThan(500_000);
    const { model, tokenizer } = await openModel(`${here}spam.onnx`);
    expect(tokenizer).toBeDefined();
    expect(model.graph.inputs.map(({ name }) => name)).toEqual(["input_ids", "attention_mask"]);
    const { differentiable } = explainGradient(model, operators, { wrt: ["token_embeddings"], output: "logits" });
    expect(differentiable).toBe(true);
  });

  it("keeps no number of a stranger: digits are single tokens", () => {
    const { vocab } = JSON.parse(readFileSync(`${here}tokenizer.json`, "utf8")).model as { vocab: object };
    expect(Object.keys(vocab).filter((token) => /\d.*\d/.test(token))).toEqual([]);
  });

  it("sees what no reader sees", async () => {
    const text = "Win 1000 cash in our weekly draw! Text WIN to 80888 now. Over 18s only, 150p per msg";
    const hidden = text.replace(/[a-z]{2,}/gi, (word) => `${word[0]}\u200b${word.slice(1)}`);
    const spam = async (one: string) => {
      const [ham, other] = await classifier.verify(textPoint(one, 300));
      return other! - ham!;
    };
    expect(await spam(text)).toBeGreaterThan(0);
    expect(await spam(hidden)).toBeLessThan(await spam(text));
  });
});

describe.skipIf(!existsSync(data))("the SMS Spam Collection", () => {
  it("a held-out tenth, repeated messages kept together: at least 96 % right", async () => {
    const { training, test } = split(readMessages(data), (groups) => Rng.of(SEED).fold("split").shuffle(groups));
    const known = new Set(training.map(({ text }) => text));
    expect(test.some(({ text }) => known.has(text))).toBe(false);
    expect(test.length).toBeGreaterThan(550);
    const right = (await rightOf(test)).filter(Boolean).length;
    expect(right / test.length).toBeGreaterThanOrEqual(0.96);
  });
});
