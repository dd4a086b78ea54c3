import { BlindspotError } from "../../base/errors.ts";
import type { OpBuilder } from "../../graph/builder.ts";
import type { Value } from "../../graph/ir.ts";
import { int64Vector, scalar } from "../../tensor/tensor.ts";
import type { DetectorDefinition, Squeezers } from "./detector.ts";

/** Bit depth and window as the authors chose them: MNIST one bit, color images five, a median of 2x2. */
export function defaultSqueezers(dims: readonly number[]): Squeezers {
  return { bits: dims.length === 3 && dims[2] === 1 ? 1 : 5, median: dims.length === 3 ? 2 : 0 };
}

/** Reads `bit-depth=1,median=2`; what is not named is not used. */
export function parseSqueezers(text: string): Squeezers {
  const refuse = (got: string) =>
    new BlindspotError({
      code: "E_SQUEEZERS",
      subject: `--squeezers ${text}`,
      expected: "bit-depth=1..7, median=2..5, or both, joined by a comma",
      got,
    });
  const found = { bits: 0, median: 0 };
  for (const part of text.split(",")) {
    const [, name, digits] = /^(bit-depth|median)=(\d)$/.exec(part.trim()) ?? [];
    const value = Number(digits);
    const key = name === "median" ? "median" : "bits";
    const [least, most] = key === "median" ? [2, 5] : [1, 7];
    if (name === undefined || value < least! || value > most! || found[key] !== 0) throw refuse(`'${part}'`);
    found[key] = value;
  }
  return found;
}

/**
 * round(x (2^bits - 1)) / (2^bits - 1), as a quantization: its gradient passes straight through, so that an attacker sees past the rounding
 * (backward pass differentiable approximation, arXiv:1802.00420).
 */
function appendBitDepth(op: OpBuilder, point: Value, bits: number): Value {
  const step = scalar("float32", 1 / (2 ** bits - 1));
  const zero = scalar("uint8", 0);
  return op.DequantizeLinear(op.QuantizeLinear(point, step, zero), step, zero);
}

/**
 * Median of a window x window, for each channel, as SciPy's `median_filter` takes it: an even window reaches up and left, of an even number of
 * values it is the upper one of the middle two, and the border is mirrored with its last row repeated.
 * @param point [N, height, width, channels]
 */
export function appendMedian(op: OpBuilder, point: Value, window: number, [height, width]: readonly number[]): Value {
  const before = Math.floor(window / 2);
  const padded = mirrored(op, mirrored(op, point, 1, before, window - 1 - before), 2, before, window - 1 - before);
  const shifted = Array.from({ length: window * window }, (_, i) => {
    const [top, left] = [Math.floor(i / window), i % window];
    const part = op.Slice(
      padded,
      int64Vector([top, left]),
      int64Vector([top + height!, left + width!]),
      int64Vector([1, 2]),
    );
    return op.Unsqueeze(part, int64Vector([4]));
  });
  const [stack] = op.node("Concat", shifted, { axis: 4 });
  const place = window * window - Math.floor((window * window) / 2);
  const [largest] = op.node("TopK", [stack!, int64Vector([place])], { axis: 4 }, 2);
  return op.Gather(largest!, op.constant(scalar("int64", place - 1)), { axis: 4 });
}

/** max_{i != c} z_i - z_c for each class c of logits [N, classes]: how far the others lead. */
function lead(op: OpBuilder, z: Value): Value {
  const [sorted] = op.node("TopK", [z, int64Vector([2])], { axis: 1 }, 2);
  const at = (rank: number) => op.Gather(sorted!, int64Vector([rank]), { axis: 1 });
  return op.Sub(op.Where(op.Equal(z, at(0)), at(1), at(0)), z);
}

/** Rows before and after along an axis: the nearest ones in reverse, the border's own among them. */
function mirrored(op: OpBuilder, v: Value, axis: number, before: number, after: number): Value {
  const size = v.shape![axis] as number;
  const indices = Array.from({ length: before + size + after }, (_, i) => {
    const at = i - before;
    return at < 0 ? -1 - at : at >= size ? 2 * size - 1 - at : at;
  });
  return op.Gather(v, int64Vector(indices), { axis });
}

/**
 * Feature squeezing (Xu, Evans, Qi 2018), arXiv:1704.01155: the largest L1 distance between what the model says of an input and of the same
 * input squeezed, max_i |p(x) - p(s_i(x))|_1, in 0..2.
 */
export const squeezing: DetectorDefinition = {
  name: "squeezing",
  summary: "how much the answer changes when the input loses detail (bit depth, median)",
  source: "Feature squeezing: detecting adversarial examples in deep neural networks, arXiv:1704.01155",
  async fit({ settings, dims }) {
    const { bits, median } = settings.squeezers ?? defaultSqueezers(dims);
    if (median > 0 && (dims.length !== 3 || Math.min(dims[0]!, dims[1]!) < median))
      throw new BlindspotError({
        code: "E_SQUEEZERS",
        subject: `median=${median}`,
        expected: "images of at least that size",
        got: `rows of ${dims.join("x")}`,
        hint: "Leave it out: --squeezers bit-depth=5",
      });
    const names = [...(bits > 0 ? [`bit depth ${bits}`] : []), ...(median > 0 ? [`median ${median}x${median}`] : [])];
    return {
      describes: `feature squeezing (${names.join(", ")})`,
      append({ op, logits, point, logitsAt }) {
        const clean = op.Softmax(logits, { axis: 1 });
        const x = point();
        const squeezed = [
          ...(bits > 0 ? [appendBitDepth(op, x, bits)] : []),
          ...(median > 0 ? [appendMedian(op, x, median, dims)] : []),
        ];
        const answers = squeezed.map(logitsAt);
        const distances = answers.map((z) => {
          const change = op.Abs(op.Sub(clean, op.Softmax(z, { axis: 1 })));
          return op.ReduceSum(change, int64Vector([1]), { keepdims: 0 });
        });
        const largest = (values: Value[]) => values.reduce((a, b) => op.Max(a, b));
        // Where probabilities are near 0 and 1 their distance has no slope; that the squeezed input is of the wanted class, too, has one.
        const guide = { byClass: largest(answers.map((z) => lead(op, z))), unit: "margin" } as const;
        return { total: largest(distances), guide };
      },
    };
  },
};
