import { internalError } from "../../base/errors.ts";
import type { Classifier, Toll } from "../classifier.ts";

/** Stands in for a target while a run is planned: it has all that a plan needs, and is never asked. */
export function plannedClassifier(facts: {
  readonly classes: readonly string[];
  readonly dims: readonly number[];
  readonly output: "scores" | "label";
  readonly requestRows: number;
  readonly concurrency: number;
  readonly toll: Toll;
}): Classifier {
  const refuse = () => Promise.reject(internalError("a planned model was asked"));
  return {
    classes: facts.classes,
    dims: facts.dims,
    capabilities: { output: facts.output, gradient: false },
    maxBatch: facts.requestRows,
    concurrency: facts.concurrency,
    toll: facts.toll,
    notes: [],
    problems: [],
    scores: refuse,
    gradient: refuse,
    verify: refuse,
    close: () => Promise.resolve(),
  };
}
