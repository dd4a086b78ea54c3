import { isKnown, type Node, type Value, type ValueType } from "../graph/ir.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { reference } from "./broadcast.ts";
import { biasGradient, kernelOf, weightGradient } from "./convolution-gradient.ts";
import { defineOp, type GradientContext, type OpDefinition, type Reference } from "./define.ts";
import { requireSizes, shapeError, typeOfInput, unknownSize } from "./dims.ts";
import { padTrailing } from "./emit.ts";
import { reach, type Windows, windowsOf, windowTable } from "./windows.ts";

/**
 * ConvTranspose is the adjoint of a Conv from its output to its input: `windows` are that Conv's, with one window for each element of
 * the input. Its end padding is exact: negative where `output_padding` or `output_shape` add elements that no window reaches.
 */
interface Geometry {
  readonly windows: Windows;
  /** Spatial sizes of the output. */
  readonly sizes: readonly number[];
}

/** `counts` are the spatial sizes of the input. */
function geometryOf(node: Node, counts: readonly number[], kernel: readonly number[]): Geometry {
  const given = windowsOf(node, kernel, counts)!;
  const auto = node.string("auto_pad", "NOTSET");
  const same = auto.startsWith("SAME");
  const wanted = node.ints("output_shape")?.slice(-kernel.length);
  const axes = counts.map((count, axis) => {
    const stride = given.strides[axis];
    /** Elements that the windows reach, without any padding. */
    const reached = stride * (count - 1) + reach(given, axis) + 1;
    const full = reached + (node.ints("output_padding")?.[axis] ?? 0);
    const target = wanted?.[axis] ?? (same ? count * stride : undefined);
    const size = target ?? full - given.begins[axis] - given.ends[axis];
    const total = Math.max(full - size, 0);
    // The larger half of an odd total goes first, unless SAME_UPPER asks for it last.
    const begin =
      target === undefined ? given.begins[axis] : auto === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
    return { size, begin, end: reached - size - begin };
  });
  const windows = { ...given, begins: axes.map(({ begin }) => begin), ends: axes.map(({ end }) => end) };
  return { windows, sizes: axes.map(({ size }) => size) };
}

function inferConvTranspose(node: Node): readonly ValueType[] {
  const { dtype, shape: x } = typeOfInput(node, 0);
  const w = typeOfInput(node, 1).shape;
  if (x === null) return [{ dtype, shape: null }];
  if (w !== null && (w.length !== x.length || (typeof x[1] === "number" && typeof w[0] === "number" && x[1] !== w[0])))
    throw shapeError(node, "input 1", `weights [${x[1]}, maps/groups, kernel]`, `[${w}] for an input [${x}]`);
  const kernel = kernelOf(node, w);
  const counts = x.slice(2);
  const spatial = kernel && isKnown(counts) ? geometryOf(node, counts, kernel).sizes : counts.map(() => null);
  const perGroup = w?.[1];
  const maps = typeof perGroup === "number" ? perGroup * node.int("group", 1) : null;
  return [{ dtype, shape: [x[0], maps, ...spatial] }];
}

/** y[n,m,i*stride + k*dilation - pad] = b[m] + sum over c of the group, i and k of x[n,c,i] w[c,m,k] */
function evaluateConvTranspose([x, w, b]: readonly (Reference | null)[], node: Node): readonly Reference[] {
  const [batch, channels, ...counts] = x!.dims;
  const [, perGroup, ...kernel] = w!.dims;
  const { windows, sizes } = geometryOf(node, counts, kernel);
  const table = windowTable(sizes, counts, windows);
  const [inSize, outSize, kernelSize] = [sizeOf(counts), sizeOf(sizes), sizeOf(kernel)];
  const groups = node.int("group", 1);
  const maps = perGroup * groups;
  const y = new Float64Array(batch * maps * outSize);
  for (let n = 0; n < batch; n++)
    for (let c = 0; c < channels; c++) {
      const firstMap = n * maps + Math.floor((c * groups) / channels) * perGroup;
      for (let i = 0; i < inSize; i++)
        for (let k = 0; k < kernelSize; k++) {
          const at = table[i * kernelSize + k];
          if (at < 0) continue;
          for (let m = 0; m < perGroup; m++)
            y[(firstMap + m) * outSize + at] +=
              x!.data[(n * channels + c) * inSize + i] * w!.data[(c * perGroup + m) * kernelSize + k];
        }
    }
  if (b) for (let at = 0; at < y.length; at++) y[at] += b.data[Math.floor(at / outSize) % maps];
  return [reference([batch, maps, ...sizes], y)];
}

/** dx = Conv(dy, w) over the same windows; dw is the weight gradient of that Conv, x in the place of its cotangent. */
function gradientOfConvTranspose(context: GradientContext): (Value | null)[] {
  const { op, node, inputs, needs } = context;
  const dy = context.cotangents[0]!;
  const kernel = kernelOf(node, typeOfInput(node, 1).shape);
  if (kernel === null) throw unknownSize(node, 1, "the kernel's size");
  const { windows } = geometryOf(node, requireSizes(node, 0, 2, "the spatial size"), kernel);
  const { begins, ends, strides, dilations } = windows;
  const none = kernel.map(() => 0);
  // Conv takes no negative padding: what no window reached is cropped first.
  const crops = ends.map((end) => Math.min(end, 0));
  const pads = [...begins, ...ends.map((end) => Math.max(end, 0))];
  const attributes = { kernel_shape: kernel, strides, dilations, pads, group: node.int("group", 1) };
  return [
    needs(0) ? op.Conv(padTrailing(op, dy, none, crops), inputs[1]!, attributes) : null,
    needs(1) ? weightGradient(context, dy, inputs[0]!, windows) : null,
    needs(2) ? biasGradient(context, dy) : null,
  ];
}

const convTranspose = defineOp({
  type: "ConvTranspose",
  infer: inferConvTranspose,
  evaluate: evaluateConvTranspose,
  gradient: gradientOfConvTranspose,
  examples: [
    { inputs: [[2, 3, 4, 3], [3, 2, 3, 3], [2]] },
    {
      inputs: [
        [1, 2, 3, 4],
        [2, 3, 3, 2],
      ],
      attributes: { strides: [2, 3], pads: [1, 0, 1, 1], output_padding: [1, 2] },
    },
    { inputs: [[1, 4, 3, 3], [4, 2, 2, 2], [4]], attributes: { group: 2, strides: [2, 2] } },
    {
      inputs: [
        [1, 2, 3, 3],
        [2, 1, 3, 3],
      ],
      attributes: { group: 2, dilations: [2, 2], pads: [1, 2, 0, 1] },
    },
    {
      inputs: [
        [1, 1, 3, 3],
        [1, 2, 3, 3],
      ],
      attributes: { strides: [3, 2], output_shape: [10, 8] },
    },
    {
      inputs: [
        [1, 1, 3, 3],
        [1, 1, 3, 3],
      ],
      attributes: { strides: [2, 2], auto_pad: "SAME_UPPER" },
    },
    {
      inputs: [
        [2, 2, 5],
        [2, 3, 4],
      ],
      attributes: { strides: [2], pads: [1, 2] },
    },
    {
      inputs: [
        [1, 1, 2, 3, 2],
        [1, 2, 2, 2, 2],
      ],
      attributes: { strides: [1, 2, 1] },
    },
  ],
});

export const transposedConvolutionOperators: readonly OpDefinition[] = [convTranspose];
