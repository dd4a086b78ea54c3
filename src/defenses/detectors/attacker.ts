import { appendLoss, type CustomLoss, isTargeted, type LossName } from "../../autodiff/index.ts";
import { type OpBuilder, opBuilder } from "../../graph/builder.ts";
import { cloneModel } from "../../graph/index.ts";
import type { Graph, Model, Value } from "../../graph/ir.ts";
import { definedValues } from "../../graph/walk.ts";
import type { AttackGraph } from "../../models/attack-graph.ts";
import type { OnnxClassifier } from "../../models/index.ts";
import type { OpTable } from "../../ops/define.ts";
import { int64, int64Vector, scalar } from "../../tensor/tensor.ts";
import type { DetectorCard } from "./card.ts";
import type { GuardedFile, Verdict } from "./guarded-file.ts";

/** The class that stands for "rejected" in what attacks see: one more than the model has. */
export const REJECTED = "rejected";

/**
 * What an attacker who knows the detector increases, with L a loss of the class and s the excess of suspicion over the threshold, each in
 * the unit that is typical of clean data.
 * - `class`: L alone.
 * - `joint`: min(L, k) - lambda max(s, -k): as Carlini and Wagner (arXiv:1705.07263, section 2.4) weigh both; neither is pursued further than needed.
 * - `guided`: min(L, 1) - lambda g, with g the detector's own guide toward the class that is aimed at.
 * - `selective`: L while the class is still right, then -s (Bryniarski et al., arXiv:2106.15023, selective projected gradient descent).
 */
export type Pursuit =
  | { readonly kind: "class" }
  | { readonly kind: "joint" | "guided"; readonly lambda: number }
  | { readonly kind: "selective" };

/** k: how far beyond a border it is enough to be, in units of clean data. */
const ENOUGH = 0.2;

/** Scores of what the deployed file says: logits below the largest one, then the excess of suspicion. The largest is the verdict. */
export function verdictScores({ scores, suspicion, rejected }: Verdict, card: DetectorCard): Float32Array {
  const top = scores.reduce((a, b) => Math.max(a, b));
  const excess = (suspicion - card.threshold) / card.suspicionUnit;
  // The file's own word decides, also where the excess is rounded away.
  const own = rejected ? Math.max(excess, 1e-30) : Math.min(excess, 0);
  return Float32Array.from([...scores.map((score) => score - top), own]);
}

/** The file's graph with the detector's guide among its outputs: nothing else keeps it from being dropped as dead code. */
export function attackerModel(guarded: Model, { values }: DetectorCard): Model {
  const model = cloneModel(guarded);
  const { guide } = values;
  if (guide === null) return model;
  const value = named(model.graph, guide.byClass);
  if (!model.graph.outputs.includes(value)) model.graph.outputs.push(value);
  return model;
}

/**
 * The classifier with its detector as attacks see it: a further class, REJECTED, that wins where suspicion exceeds the threshold. What decides a
 * success is the deployed file alone.
 * @param inner `attackerModel`, loaded as a classifier
 */
export function attackerView(
  inner: OnnxClassifier,
  file: GuardedFile,
  card: DetectorCard,
  table: OpTable,
  pursuit: Pursuit,
): Promise<OnnxClassifier> {
  const graph = withRejection(inner.attackGraph, card, table);
  const losses = (loss: LossName) => pursue(pursuit, loss, inner.attackGraph.output, card);
  const verify = async (row: Float32Array) => verdictScores(await file.verdict(row), card);
  return inner.withEnd(
    { graph, classes: [...inner.classes, REJECTED], verify, losses },
    `${card.kind} detector, ${pursuit.kind} pursuit`,
  );
}

/** [N, classes + 1]: z - max z, and the excess of suspicion. */
function withRejection(source: AttackGraph, card: DetectorCard, table: OpTable): AttackGraph {
  const model = cloneModel(source.model);
  const op = opBuilder(model.graph, table);
  op.scope = "attacker/";
  const z = named(op.graph, source.output);
  const relative = op.Sub(z, op.ReduceMax(z, int64Vector([1]), { keepdims: 1 }));
  const excess = excessOf(op, named(op.graph, card.values.suspicion), card);
  const output = op.Concat(relative, op.Unsqueeze(excess, int64Vector([1])), { axis: 1 });
  const { guide } = card.values;
  model.graph.outputs = guide === null ? [output] : [output, named(model.graph, guide.byClass)];
  return { model, input: source.input, output: output.name };
}

function excessOf(op: OpBuilder, suspicion: Value, { threshold, suspicionUnit }: DetectorCard): Value {
  return op.Div(op.Sub(suspicion, scalar("float32", threshold)), scalar("float32", suspicionUnit));
}

function pursue(pursuit: Pursuit, loss: LossName, logits: string, card: DetectorCard): CustomLoss {
  return {
    targeted: isTargeted(loss),
    append(op, _, labels, targets) {
      const z = named(op.graph, logits);
      const plain = appendLoss(op, loss, z, labels, targets);
      // DLR has no unit; what is a difference of logits has the model's own.
      const gain = loss.endsWith("dlr") ? plain : op.Div(plain, scalar("float32", card.marginUnit));
      if (pursuit.kind === "class") return gain;
      const one = scalar("float32", 1);
      const { guide } = card.values;
      if (pursuit.kind === "guided" && guide !== null && targets !== undefined) {
        const toward = atClass(op, named(op.graph, guide.byClass), targets);
        // Differences of logits have no threshold: the surer, the better.
        const lacking =
          guide.unit === "suspicion"
            ? op.Max(excessOf(op, toward, card), scalar("float32", -ENOUGH))
            : op.Div(toward, scalar("float32", card.marginUnit));
        return op.Sub(op.Min(gain, one), op.Mul(lacking, scalar("float32", pursuit.lambda)));
      }
      const excess = excessOf(op, named(op.graph, card.values.suspicion), card);
      if (pursuit.kind === "selective") return op.Where(op.Less(gain, scalar("float32", 0)), gain, op.Neg(excess));
      const pressed = op.Max(excess, scalar("float32", -ENOUGH));
      return op.Sub(op.Min(gain, scalar("float32", ENOUGH)), op.Mul(pressed, scalar("float32", pursuit.lambda)));
    },
  };
}

/** values[n, index[n]] of [N, classes]. */
function atClass(op: OpBuilder, values: Value, index: Value): Value {
  const classes = values.shape![1] as number;
  const all = op.constant(
    int64(
      [1, classes],
      Array.from({ length: classes }, (_, i) => i),
    ),
  );
  const chosen = op.Where(op.Equal(op.Unsqueeze(index, int64Vector([1])), all), values, scalar("float32", 0));
  return op.ReduceSum(chosen, int64Vector([1]), { keepdims: 0 });
}

function named(graph: Graph, name: string): Value {
  return [...definedValues(graph)].find((value) => value.name === name)!;
}
