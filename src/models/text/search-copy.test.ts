import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readModel } from "../../graph/index.ts";
import type { Model } from "../../graph/ir.ts";
import { textPoint } from "../../inputs/text/code-points.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import type { Classifier } from "../classifier.ts";
import { openClassifier } from "../open-classifier.ts";
import { bagModel, linearClassifier } from "./bag.test.fixture.ts";
import { searchCopy } from "./search-copy.ts";

let runtime: Runtime;
beforeAll(async () => {
  runtime = await nodeRuntime({ workers: 1 });
});
afterAll(() => runtime.close());

/** As scikit-learn's converter writes TF-IDF with logistic regression. */
function normalized(norm: string, opset: number): Model {
  const model = bagModel((op, _, counts) =>
    linearClassifier(op, op.node("Normalizer", [counts], { norm }, 1, "ai.onnx.ml")[0]!, ["ham", "spam"], false),
  );
  model.opsets.set("", opset);
  return model;
}

/** The last has no word that is known: a row of zeros. */
const TEXTS = ["free prize call", "meeting later", "prize milk milk", "nothing here"];

describe("the copy that searches ask", () => {
  it.each([11, 13, 18])("gives what the file gives, of opset %i", async (opset) => {
    const model = normalized("L2", opset);
    const ops = readModel(searchCopy(model)!).graph.nodes.map(({ op }) => op);
    expect(ops).not.toContain("Normalizer");
    const classifier: Classifier = await openClassifier(model, { runtime });
    expect(classifier.notes.join()).toContain("a copy with ReduceL2 and Div for Normalizer");
    const together = await classifier.scoresOfTexts!(TEXTS);
    for (const [i, text] of TEXTS.entries()) {
      const alone = await classifier.verify(textPoint(text, 40));
      alone.forEach((probability, c) => {
        expect(Math.exp(together[2 * i + c]!)).toBeCloseTo(probability, 6);
      });
    }
    await classifier.close();
  });

  it("is made of nothing else", () => {
    expect(searchCopy(normalized("MAX", 13))).toBeNull();
    expect(searchCopy(normalized("L2", 10))).toBeNull();
    expect(searchCopy(bagModel((_, logits) => [logits]))).toBeNull();
  });

  it("is not asked where it can't run", async () => {
    const failing: Runtime = {
      ...runtime,
      load: (bytes, options) =>
        readModel(bytes).graph.nodes.some(({ op }) => op === "Normalizer")
          ? runtime.load(bytes, options)
          : Promise.reject(new Error("an operator that is not known")),
    };
    const classifier: Classifier = await openClassifier(normalized("L2", 13), { runtime: failing });
    expect(await classifier.scoresOfTexts!(TEXTS)).toHaveLength(2 * TEXTS.length);
    expect(classifier.notes).toEqual([]);
    await classifier.close();
  });
});
