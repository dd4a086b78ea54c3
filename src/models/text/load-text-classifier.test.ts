import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BlindspotError } from "../../base/errors.ts";
import { textPoint } from "../../inputs/text/code-points.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Classifier } from "../classifier.ts";
import { inspectModel } from "../inspect.ts";
import { openClassifier } from "../open-classifier.ts";
import { bagModel, linearClassifier, spamLead } from "./bag.test.fixture.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await nodeRuntime({ workers: 2 });
});
afterAll(() => runtime.close());

const SIZE = 60;
const TEXTS = ["free prize call", "meeting later", "", "milk", "call free", "prize meeting milk"];

function rowsOf(texts: readonly string[], size = SIZE): { data: Float32Array; count: number } {
  const data = new Float32Array(texts.length * size);
  texts.forEach((text, i) => {
    data.set(textPoint(text, size), i * size);
  });
  return { data, count: texts.length };
}

/** Score of class 1 less that of class 0, row by row. */
async function leads(classifier: Classifier, texts: readonly string[]): Promise<number[]> {
  const scores = await classifier.scores(rowsOf(texts));
  return texts.map((_, i) => scores[2 * i + 1]! - scores[2 * i]!);
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

describe("a model that takes strings", () => {
  it.each<[string, "logits" | "probabilities", Parameters<typeof bagModel>]>([
    ["logits", "logits", [(_, logits) => [logits]]],
    ["a Softmax", "probabilities", [(op, logits) => [op.Softmax(logits)]]],
    ["strings of [N]", "logits", [(_, logits) => [logits], ["N"]]],
    [
      "a class and probabilities",
      "probabilities",
      [(op, _, counts) => linearClassifier(op, counts, ["ham", "spam"], false)],
    ],
    [
      "a class and a list of maps",
      "probabilities",
      [(op, _, counts) => linearClassifier(op, counts, ["ham", "spam"], true)],
    ],
  ])("%s: the lead of spam is that of the words, together and alone", async (_, meaning, [end, shape]) => {
    const classifier = await openClassifier(bagModel(end, shape), { runtime });
    expect(classifier.meaning).toBe(meaning);
    expect(classifier.capabilities).toEqual({ output: "scores", gradient: false });
    expect(classifier.maxBatch).toBeGreaterThan(2);
    const together = await leads(classifier, TEXTS);
    for (const [i, text] of TEXTS.entries()) {
      expect(together[i]).toBeCloseTo(spamLead(text), 4);
      const [ham, spam] = await classifier.verify(textPoint(text, SIZE));
      if (meaning === "logits") expect(spam! - ham!).toBeCloseTo(spamLead(text), 4);
      else expect(spam).toBeCloseTo(sigmoid(spamLead(text)), 5);
    }
    expect(classifier.meter!()).toMatchObject({ forwardRows: 6, backwardRows: 0, verifiedRows: 6 });
    await classifier.close();
  });

  it("numbers the classes where none are named, also where a data set says so by null", async () => {
    for (const options of [{}, { classes: null }]) {
      const classifier = await openClassifier(
        bagModel((_, logits) => [logits]),
        { runtime, ...options },
      );
      expect(classifier.classes).toEqual(["0", "1"]);
    }
  });

  it("says that maps were taken off, and which classes they name", async () => {
    const model = bagModel((op, _, counts) => linearClassifier(op, counts, ["ham", "spam"], true));
    const classifier = await openClassifier(model, { runtime });
    expect(classifier.notes).toEqual(["probabilities taken before the final ZipMap; its keys in order: ham, spam"]);
  });

  it("answers more texts than one pass holds", async () => {
    const classifier = await openClassifier(
      bagModel((_, logits) => [logits]),
      { runtime },
    );
    const many = Array.from({ length: 2 * classifier.maxBatch + 3 }, (_, i) => TEXTS[i % TEXTS.length]!);
    (await leads(classifier, many)).forEach((lead, i) => {
      expect(lead).toBeCloseTo(spamLead(many[i]!), 4);
    });
  });

  it("fills a fixed batch, and counts what that costs", async () => {
    const classifier = await openClassifier(
      bagModel((_, logits) => [logits], [4, 1]),
      { runtime },
    );
    expect(classifier.maxBatch).toBe(4);
    const texts = TEXTS.slice(0, 5);
    (await leads(classifier, texts)).forEach((lead, i) => {
      expect(lead).toBeCloseTo(spamLead(texts[i]!), 4);
    });
    expect(classifier.meter!().forwardRows).toBe(8);
  });

  it("goes row by row where rows mix", async () => {
    const model = bagModel((op, logits) => [op.Sub(logits, op.ReduceSum(logits, null, { keepdims: 1 }))]);
    const classifier = await openClassifier(model, { runtime });
    expect(classifier.maxBatch).toBe(1);
    expect(classifier.notes.join()).toMatch(/row by row: texts of one batch are not independent/);
  });

  it("takes a file of classes alone as one that gives labels, by their names", async () => {
    const model = bagModel((op, _, counts) => linearClassifier(op, counts, ["ham", "spam"], false).slice(0, 1));
    await expect(openClassifier(model, { runtime })).rejects.toThrow(/E_MODEL_OUTPUT.*--classes/);
    const classifier = await openClassifier(model, { runtime, classes: ["ham", "spam"] });
    expect(classifier.capabilities.output).toBe("label");
    expect(classifier.meaning).toBe("label");
    expect(await classifier.verify(textPoint("free prize", SIZE))).toEqual(Float32Array.of(0, 1));
    expect(Array.from(await classifier.scores(rowsOf(["milk", "prize"])))).toEqual([1, 0, 0, 1]);
    const others = await openClassifier(model, { runtime, classes: ["good", "bad"] }).catch((error) => error);
    expect((others as BlindspotError).message).toMatch(
      /E_MODEL_OUTPUT.*a class out of good, bad.*got out0: (ham|spam)/,
    );
  });

  it("refuses scores that are no numbers", async () => {
    const model = bagModel((op, logits) => [op.Log(logits)]);
    await expect(openClassifier(model, { runtime })).rejects.toThrow(/E_MODEL_OUTPUT.*finite numbers.*NaN/);
  });

  it("refuses several columns, several inputs, and what belongs to numbers", async () => {
    const columns = bagModel((_, logits) => [logits], ["N", 2]);
    await expect(openClassifier(columns, { runtime })).rejects.toThrow(/E_MODEL_INPUT.*got text string\[N,2\]/);
    const two = bagModel((op, logits) => {
      op.input("subject", { dtype: "string", shape: ["N", 1] });
      return [logits];
    });
    await expect(openClassifier(two, { runtime })).rejects.toThrow(
      /E_MODEL_INPUT.*got text string.*subject string.*--schema/,
    );
    const plain = bagModel((_, logits) => [logits]);
    const refused = openClassifier(plain, { runtime, mean: 0.5, inputRange: [0, 255] });
    await expect(refused).rejects.toThrow(/inputRange[\s\S]*mean|mean[\s\S]*inputRange/);
    await expect(openClassifier(plain, { runtime, classes: ["a", "b", "c"] })).rejects.toThrow("E_CLASSES");
  });

  it("has no gradient, and says why", async () => {
    const classifier = await openClassifier(
      bagModel((_, logits) => [logits]),
      { runtime },
    );
    await expect(classifier.gradient(rowsOf(["a"]), "margin", Int32Array.of(0))).rejects.toThrow("E_TEXT_GRADIENT");
  });

  it("is inspected like any other", async () => {
    const { classifier, problems } = await inspectModel(
      bagModel((op, logits) => [op.Softmax(logits)]),
      { runtime },
    );
    expect(classifier).toMatchObject({ takes: "texts", classes: 2, gradient: false, output: "out0" });
    expect(problems).toEqual([]);
  });
});

const data = process.env["BLINDSPOT_DATA"] ?? "../shared/data";

describe.skipIf(!existsSync(data))("the shared spam filter", () => {
  it("has the published accuracy on all messages, and answers alone as together", async () => {
    const lines = readFileSync(join(data, "text/sms_spam.tsv"), "utf8").trimEnd().split("\n");
    const messages = lines.map((line) => line.split("\t") as [string, string]);
    const classifier = await openClassifier(join(data, "text/models/sms_spam_tfidf_lr.onnx"), {
      runtime,
      classes: ["ham", "spam"],
    });
    expect(classifier.meaning).toBe("probabilities");
    const margins = await leadsOf(
      classifier,
      messages.map(([, text]) => text),
    );
    const correct = messages.filter(([label], i) => margins[i]! > 0 === (label === "spam")).length;
    // data/README.md: 96.68 %.
    expect(((100 * correct) / messages.length).toFixed(2)).toBe("96.68");
    for (const i of [0, 2, 500, 5573]) {
      const [ham, spam] = await classifier.verify(textPoint(messages[i]![1], 1000));
      expect(Math.log(spam! / ham!)).toBeCloseTo(margins[i]!, 4);
    }
    await classifier.close();
  });
});

async function leadsOf(classifier: Classifier, texts: readonly string[]): Promise<number[]> {
  const scores = await classifier.scores(rowsOf(texts, 1000));
  return texts.map((_, i) => scores[2 * i + 1]! - scores[2 * i]!);
}
