import { type LoadClassifierOptions, loadClassifier } from "./load-classifier.ts";
import type { OnnxClassifier } from "./onnx-classifier.ts";
import { type ModelSource, openModel } from "./open-model.ts";
import { loadTextClassifier } from "./text/load-text-classifier.ts";
import { takesText } from "./text/takes-text.ts";
import type { TextClassifier } from "./text/text-classifier.ts";

/** A classifier of numbers or of texts, whichever the file is. Throws what `loadClassifier` and `loadTextClassifier` throw. */
export async function openClassifier(
  source: ModelSource,
  options: LoadClassifierOptions = {},
): Promise<OnnxClassifier | TextClassifier> {
  const opened = await openModel(source, options.label);
  return options.rows === undefined && takesText(opened.model)
    ? loadTextClassifier(opened, options)
    : loadClassifier(opened, options);
}
