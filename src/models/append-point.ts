import type { OpBuilder } from "../graph/builder.ts";
import type { Value } from "../graph/ir.ts";
import { codeFromDtype } from "../onnx/index.ts";
import { float32, int64Vector } from "../tensor/tensor.ts";
import type { Arrangement } from "./arrangement.ts";
import { isIdentity, type Preprocessing, type Units } from "./preprocessing.ts";

/**
 * The way back: rows of attack space, [N, height, width, channels] or [N, features] in 0..1, from what a model's input takes. The inverse of
 * `appendModelInput`, up to rounding.
 */
export function appendPoint(
  op: OpBuilder,
  input: Value,
  { arrangement, preprocessing }: { readonly arrangement: Arrangement; readonly preprocessing: Preprocessing },
): Value {
  const { dims, order } = arrangement;
  const planes = order === "chw" && dims[2] !== 1;
  const shape = planes ? [dims[2]!, dims[0]!, dims[1]!] : dims;
  let v = input.dtype === "float32" ? input : op.Cast(input, { to: codeFromDtype("float32") });
  v = op.Reshape(v, int64Vector([-1, ...shape]));
  if (planes) v = op.Transpose(v, { perm: [0, 2, 3, 1] });
  if (preprocessing.reverseChannels) v = op.Gather(v, int64Vector([2, 1, 0]), { axis: 3 });
  return withoutUnits(op, v, preprocessing.units);
}

function withoutUnits(op: OpBuilder, v: Value, units: Units): Value {
  if (isIdentity(units)) return v;
  const constant = (values: readonly number[]) => float32(values.length === 1 ? [] : [values.length], values);
  if (units.kind === "normalize") return op.Add(op.Mul(v, constant(units.std)), constant(units.mean));
  // A feature that never changes has no width: anything but 0 will do.
  const widths = units.high.map((high, i) => high - units.low[i]! || 1);
  return op.Div(op.Sub(v, constant(units.low)), constant(widths));
}
