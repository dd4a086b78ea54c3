import { explainGradient, type GradientExplanation } from "../autodiff/index.ts";
import { BlindspotError, type Problem } from "../base/errors.ts";
import { cloneModel, writeOutMl } from "../graph/index.ts";
import type { Shape, Value } from "../graph/ir.ts";
import { operators } from "../ops/index.ts";
import { type DType, sizeOf } from "../tensor/tensor.ts";
import type { ScoreMeaning } from "./classifier.ts";
import { withJoinedColumns } from "./joined-columns.ts";
import type { LoadClassifierOptions } from "./load-classifier.ts";
import { openClassifier } from "./open-classifier.ts";
import { type ModelSource, openModel } from "./open-model.ts";
import type { HeadKind } from "./score-head.ts";
import { TextClassifier } from "./text/text-classifier.ts";

export interface InspectedPort {
  readonly name: string;
  /** Null for what isn't a tensor. */
  readonly dtype: DType | null;
  readonly shape: Shape | null;
}

/** What attacks would see of the model. */
export interface InspectedClassifier {
  readonly takes: "numbers" | "texts";
  readonly dims: readonly number[];
  readonly classes: number;
  readonly gradient: boolean;
  /** Whether it is an ensemble of trees that attacks can read. */
  readonly trees: boolean;
  readonly output: string;
  readonly kind: HeadKind;
  readonly meaning: ScoreMeaning;
  /** The final operator before which logits were found, or null: the output itself is used. */
  readonly logitsBefore: "Softmax" | "Sigmoid" | "ArgMax" | null;
  /** Rows that every pass must have, or null: any number. */
  readonly fixedBatch: number | null;
  readonly maxBatch: number;
  /** Adaptations and caveats, in words. */
  readonly notes: readonly string[];
}

export interface ModelInspection {
  readonly label: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly producer: string;
  readonly irVersion: number;
  /** By domain; "" is ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>;
  /** Numbers in weights. */
  readonly parameters: number;
  readonly inputs: readonly InspectedPort[];
  readonly outputs: readonly InspectedPort[];
  /** Operators with their counts and whether they have gradients; null where the graph can't be brought into the form that rules need. */
  readonly gradients: GradientExplanation | null;
  /** Null where the file is no classifier that can be attacked: `problems` says why. */
  readonly classifier: InspectedClassifier | null;
  readonly problems: readonly Problem[];
}

const portOf = ({ name, dtype, shape }: Value): InspectedPort => ({ name, dtype, shape });

/** Everything that `blindspot inspect` shows. Throws only where the file can't be read at all. */
export async function inspectModel(source: ModelSource, options: LoadClassifierOptions = {}): Promise<ModelInspection> {
  const opened = await openModel(source, options.label);
  const { model, bytes, label, sha256 } = opened;
  const { graph } = model;
  const problems: Problem[] = [];
  const collect = (error: unknown): null => {
    if (!(error instanceof BlindspotError)) throw error;
    problems.push(...error.problems);
    return null;
  };
  const classifier = await openClassifier(source, options).catch(collect);
  problems.push(...(classifier?.problems ?? []));
  let gradients: GradientExplanation | null = null;
  try {
    const written = cloneModel(withJoinedColumns(opened, options.rows).opened.model);
    writeOutMl(written);
    const names = new Set(written.graph.nodes.flatMap(({ outputs }) => outputs.map(({ name }) => name)));
    // Where operators were written out the logits may be a value of ours, under another name.
    const head = [classifier?.head.logits.name, classifier?.head.output].find((name) => names.has(name!));
    const wrt = written.graph.inputs.slice(0, 1).map((input) => input.name);
    gradients = explainGradient(
      written,
      options.table ?? operators,
      head === undefined ? { wrt } : { wrt, output: head },
    );
  } catch (error) {
    collect(error);
  }
  await classifier?.close();
  return {
    label,
    sha256,
    bytes: bytes.length,
    producer: model.producer,
    irVersion: model.irVersion,
    opsets: model.opsets,
    parameters: graph.initializers.reduce((sum, { constant }) => sum + sizeOf(constant?.dims ?? [0]), 0),
    inputs: graph.inputs.map(portOf),
    outputs: graph.outputs.map(portOf),
    gradients,
    classifier: classifier && {
      takes: classifier instanceof TextClassifier ? "texts" : "numbers",
      dims: classifier.dims,
      classes: classifier.classes.length,
      gradient: classifier.capabilities.gradient,
      trees: classifier.capabilities.trees === true,
      output: classifier.head.output,
      kind: classifier.head.kind,
      meaning: classifier.meaning,
      logitsBefore: classifier.head.stripped,
      fixedBatch: classifier.fixedBatch,
      maxBatch: classifier.maxBatch,
      notes: classifier.notes,
    },
    problems: dedupe(problems),
  };
}

function dedupe(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values()];
}
