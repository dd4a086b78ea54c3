import type { OpBuilder } from "../../graph/builder.ts";
import { isKnown, type Node, type Value } from "../../graph/ir.ts";
import { dtypeCode } from "../../ops/dtypes.ts";
import { int64Vector, scalar } from "../../tensor/tensor.ts";

/** Of one axis: the two places between which a sample lies, as indices, and how much each of them counts. */
interface Neighbors {
  readonly places: readonly [Value, Value];
  readonly weights: readonly [Value, Value];
}

/**
 * `GridSample` of images by its four neighbors: what they hold, gathered, times how near they are. Null for what is left as it is: volumes, other modes than
 * bilinear, reflections at the border, and sizes that are not known before the run.
 */
export function sampled(op: OpBuilder, node: Node): (Value | null)[] | null {
  const [x, grid] = node.inputs;
  const [sizes, places] = [x?.shape?.slice(1) ?? null, grid?.shape?.slice(1, 3) ?? null];
  const padding = node.string("padding_mode", "zeros");
  if (!isKnown(sizes) || !isKnown(places) || sizes.length !== 3) return null;
  if (!["bilinear", "linear"].includes(node.string("mode", "linear")) || padding === "reflection") return null;
  const [channels, height, width] = sizes as [number, number, number];
  const corners = node.int("align_corners", 0) !== 0;
  const along = (axis: number, size: number): Neighbors => {
    const at = op.Slice(grid!, int64Vector([axis]), int64Vector([axis + 1]), int64Vector([3]));
    return neighbors(op, op.Reshape(at, int64Vector([0, 1, -1])), { size, corners, padding });
  };
  const [across, down] = [along(0, width), along(1, height)];
  const rows = op.Reshape(x!, int64Vector([0, 0, -1]));
  const parts = [0, 1].flatMap((i) =>
    [0, 1].map((j) => {
      const place = op.Add(op.Mul(down.places[i]!, scalar("int64", width)), across.places[j]!);
      const values = op.GatherElements(rows, op.Expand(place, int64Vector([1, channels, 1])), { axis: 2 });
      return op.Mul(values, op.Mul(down.weights[i]!, across.weights[j]!));
    }),
  );
  const sum = parts.reduce((a, b) => op.Add(a, b));
  return [op.Reshape(sum, int64Vector([0, 0, ...places]))];
}

/** @param at [N, 1, samples], from -1 to 1 */
function neighbors(
  op: OpBuilder,
  at: Value,
  { size, corners, padding }: { readonly size: number; readonly corners: boolean; readonly padding: string },
): Neighbors {
  const number = (value: number) => op.scalarLike(at, value);
  // Corners: -1 and 1 are the middles of the outermost pixels; else their outer edges.
  const span = corners ? size - 1 : size;
  const middle = op.Add(op.Mul(at, number(span / 2)), number((size - 1) / 2));
  const place = padding === "border" ? op.Clip(middle, number(0), number(size - 1)) : middle;
  const first = op.Floor(place);
  const second = op.Add(first, number(1));
  const far = op.Sub(place, first);
  const weight = (nearness: Value, neighbor: Value) => {
    const inside = op.And(op.GreaterOrEqual(neighbor, number(0)), op.LessOrEqual(neighbor, number(size - 1)));
    return op.Mul(nearness, op.CastLike(inside, at));
  };
  const index = (neighbor: Value) =>
    op.Cast(op.Clip(neighbor, number(0), number(size - 1)), { to: dtypeCode("int64") });
  return {
    places: [index(first), index(second)],
    weights: [weight(op.Sub(number(1), far), first), weight(far, second)],
  };
}
