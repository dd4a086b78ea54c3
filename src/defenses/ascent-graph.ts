import { withGradient } from "../autodiff/index.ts";
import { internalError } from "../base/errors.ts";
import { type OpBuilder, opBuilder, removeDeadCode } from "../graph/index.ts";
import type { Model, Value } from "../graph/ir.ts";
import type { AttackGraph } from "../models/index.ts";
import type { OpTable } from "../ops/define.ts";
import { int64Vector } from "../tensor/tensor.ts";
import type { Threat } from "../threats/threat.ts";
import type { InnerLoss } from "./inner-attacks.ts";

/** Names of what the graph is told beside the points, and labels or reference logits. */
export const CLEAN = "attack/clean";
export const MASK = "attack/mask";
export const EPSILON = "attack/epsilon";
export const STEP_SIZE = "attack/step_size";

/** The graph's own arithmetic for a norm: the same as the threat's `steepest` and `project`, for a whole batch. */
interface Geometry {
  /** The unit step of steepest ascent. */
  steepest(op: OpBuilder, gradient: Value): Value;
  /** The nearest point of the ball of radius epsilon around `clean`. */
  project(op: OpBuilder, x: Value, clean: Value, epsilon: Value): Value;
}

const GEOMETRIES: Readonly<Partial<Record<Threat["norm"], Geometry>>> = {
  linf: {
    steepest: (op, gradient) => op.Sign(gradient),
    project: (op, x, clean, epsilon) => op.Max(op.Min(x, op.Add(clean, epsilon)), op.Sub(clean, epsilon)),
  },
  l2: {
    // By the largest element first: the square of a small gradient would be no number of float32.
    steepest(op, gradient) {
      const atLeast = (value: Value): Value => op.Max(value, op.scalarLike(value, SMALLEST));
      const scaled = op.Div(gradient, atLeast(op.ReduceMax(op.Abs(gradient), rowAxes(gradient))));
      return op.Div(scaled, atLeast(lengths(op, scaled)));
    },
    project(op, x, clean, epsilon) {
      const offset = op.Sub(x, clean);
      const share = op.Div(epsilon, op.Max(lengths(op, offset), op.scalarLike(x, SMALLEST)));
      return op.Add(clean, op.Mul(offset, op.Min(share, op.scalarLike(x, 1))));
    },
  },
};

/** Of float32's normal numbers. */
const SMALLEST = 2 ** -126;

function rowAxes({ rank }: Value): ReturnType<typeof int64Vector> {
  return int64Vector(Array.from({ length: rank! - 1 }, (_, axis) => axis + 1));
}

/** |row|_2 of each row, [N, 1, ...]. */
function lengths(op: OpBuilder, rows: Value): Value {
  return op.ReduceL2(rows, rowAxes(rows));
}

/**
 * One step of projected steepest ascent as a graph, so that points need not leave the place where models run: next_<input> = the point of ball, box and
 * mask nearest to input + step_size * steepest(gradient of the loss).
 * @param model the attack graph's model, its weights open
 */
export function withAscent(
  model: Model,
  { input, output }: AttackGraph,
  { table, loss, threat }: { readonly table: OpTable; readonly loss: InnerLoss; readonly threat: Threat },
): Model {
  const geometry = GEOMETRIES[threat.norm];
  if (geometry === undefined) throw internalError(`no training under ${threat.id}`);
  const result = withGradient(model, { table, loss, wrt: [input], logits: output });
  const { graph } = result;
  const op = opBuilder(graph, table);
  const x = graph.inputs.find(({ name }) => name === input)!;
  const gradient = graph.outputs.find(({ name }) => name === `grad_${input}`)!;
  const number = (name: string): Value => op.input(name, { dtype: "float32", shape: [] });
  const [clean, epsilon, stepSize] = [op.input(CLEAN, x), number(EPSILON), number(STEP_SIZE)];
  const free =
    threat.mask === null
      ? gradient
      : op.Mul(gradient, op.input(MASK, { dtype: "float32", shape: [1, ...x.shape!.slice(1)] }));
  const moved = op.Add(x, op.Mul(geometry.steepest(op, free), stepSize));
  const next = op.Clip(geometry.project(op, moved, clean, epsilon), op.scalarLike(x, 0), op.scalarLike(x, 1));
  next.name = `next_${input}`;
  graph.outputs = [next];
  removeDeadCode(result);
  return result;
}
