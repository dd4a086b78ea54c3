import type { Node, Shape, Value, ValueType } from "../graph/ir.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { reference } from "./broadcast.ts";
import { biasGradient, inputGradient, kernelOf, requireWindows, weightGradient } from "./convolution-gradient.ts";
import { defineOp, type Example, type GradientContext, type OpDefinition, type Reference } from "./define.ts";
import { shapeError, typeOfInput } from "./dims.ts";
import { countWindows, windowsOf, windowTable } from "./windows.ts";

function checkChannels(node: Node, x: Shape, w: Shape): void {
  const groups = node.int("group", 1);
  if (x.length !== w.length || x.length < 3)
    throw shapeError(node, "input 1", `weights of rank ${Math.max(x.length, 3)}`, `[${w}] for an input [${x}]`);
  const channels = x[1];
  const expected = typeof w[1] === "number" ? w[1] * groups : null;
  if (typeof channels === "number" && expected !== null && channels !== expected)
    throw shapeError(node, "input 0", `${expected} channels`, String(channels));
}

function inferConv(node: Node): readonly ValueType[] {
  const { dtype, shape: x } = typeOfInput(node, 0);
  const w = typeOfInput(node, 1).shape;
  if (x === null) return [{ dtype, shape: null }];
  const gaps = new Array<null>(x.length - 2).fill(null);
  if (w === null) return [{ dtype, shape: [x[0], null, ...gaps] }];
  checkChannels(node, x, w);
  const kernel = kernelOf(node, w);
  const windows = kernel && windowsOf(node, kernel, x.slice(2));
  const spatial = windows ? countWindows(node, x.slice(2), windows) : gaps;
  return [{ dtype, shape: [x[0], w[0], ...spatial] }];
}

/** y[n,m,o] = b[m] + sum_{c,k} w[m,c,k] x[n, group(m)*C/G + c, o*stride + k*dilation - pad] */
function evaluateConv([x, w, b]: readonly (Reference | null)[], node: Node): readonly Reference[] {
  const [batch, channels, ...sizes] = x!.dims;
  const [maps, perGroup, ...kernel] = w!.dims;
  const windows = windowsOf(node, kernel, sizes)!;
  const counts = countWindows(node, sizes, windows) as number[];
  const table = windowTable(sizes, counts, windows);
  const [inSize, outSize, kernelSize] = [sizeOf(sizes), sizeOf(counts), sizeOf(kernel)];
  const mapsPerGroup = maps / node.int("group", 1);
  const y = new Float64Array(batch * maps * outSize);
  for (let n = 0; n < batch; n++)
    for (let m = 0; m < maps; m++) {
      const firstChannel = n * channels + Math.floor(m / mapsPerGroup) * perGroup;
      for (let o = 0; o < outSize; o++) {
        let sum = b?.data[m] ?? 0;
        for (let k = 0; k < kernelSize; k++) {
          const at = table[o * kernelSize + k];
          if (at < 0) continue;
          for (let c = 0; c < perGroup; c++)
            sum += w!.data[(m * perGroup + c) * kernelSize + k] * x!.data[(firstChannel + c) * inSize + at];
        }
        y[(n * maps + m) * outSize + o] = sum;
      }
    }
  return [reference([batch, maps, ...counts], y)];
}

/** dx, dw, db: see convolution-gradient.ts. */
function gradientOfConv(context: GradientContext): (Value | null)[] {
  const dy = context.cotangents[0]!;
  const windows = requireWindows(context.node);
  return [
    context.needs(0) ? inputGradient(context, dy, windows) : null,
    context.needs(1) ? weightGradient(context, context.inputs[0]!, dy, windows) : null,
    context.needs(2) ? biasGradient(context, dy) : null,
  ];
}

const examples: readonly Example[] = [
  { inputs: [[2, 3, 5, 6], [4, 3, 3, 3], [4]], attributes: { pads: [1, 1, 1, 1] } },
  {
    inputs: [
      [1, 2, 5, 5],
      [3, 2, 2, 3],
    ],
    attributes: { pads: [0, 2, 1, 0] },
  },
  { inputs: [[2, 2, 7, 6], [3, 2, 3, 3], [3]], attributes: { strides: [2, 2], pads: [1, 1, 1, 1] } },
  { inputs: [[2, 8, 5, 4], [2, 8, 3, 2], [2]], attributes: { strides: [2, 1], dilations: [1, 2], pads: [1, 0, 1, 1] } },
  {
    inputs: [
      [1, 2, 8, 7],
      [2, 2, 1, 1],
    ],
    attributes: { strides: [2, 2] },
  },
  {
    inputs: [
      [1, 1, 8, 9],
      [2, 1, 3, 2],
    ],
    attributes: { strides: [3, 2], pads: [0, 1, 1, 0] },
  },
  { inputs: [[2, 4, 5, 5], [6, 2, 3, 3], [6]], attributes: { group: 2, pads: [1, 1, 1, 1] } },
  {
    inputs: [
      [1, 3, 6, 6],
      [3, 1, 3, 3],
    ],
    attributes: { group: 3, strides: [2, 2], pads: [1, 1, 1, 1] },
  },
  {
    inputs: [
      [1, 2, 5, 5],
      [4, 1, 3, 3],
    ],
    attributes: { group: 2, pads: [1, 1, 1, 1] },
  },
  {
    inputs: [
      [1, 2, 7, 8],
      [2, 2, 3, 3],
    ],
    attributes: { dilations: [2, 2], pads: [2, 0, 2, 1] },
  },
  {
    inputs: [
      [1, 4, 9, 8],
      [2, 2, 3, 2],
    ],
    attributes: { group: 2, dilations: [2, 1], strides: [2, 3], pads: [1, 0, 0, 1] },
  },
  {
    inputs: [
      [1, 1, 4, 4],
      [1, 1, 2, 2],
    ],
    attributes: { pads: [2, 0, 3, 1] },
  },
  {
    inputs: [
      [1, 2, 6, 7],
      [2, 2, 3, 3],
    ],
    attributes: { auto_pad: "SAME_UPPER", strides: [2, 2] },
  },
  {
    inputs: [
      [1, 2, 6, 5],
      [2, 2, 2, 4],
    ],
    attributes: { auto_pad: "SAME_LOWER" },
  },
  {
    inputs: [
      [1, 2, 5, 5],
      [2, 2, 3, 3],
    ],
    attributes: { auto_pad: "VALID" },
  },
  { inputs: [[2, 3, 11], [4, 3, 4], [4]], attributes: { strides: [3], pads: [1, 2] } },
  {
    inputs: [
      [2, 2, 9],
      [4, 1, 3],
    ],
    attributes: { group: 2, dilations: [2], pads: [2, 2] },
  },
  { inputs: [[1, 2, 4, 3, 4], [2, 2, 2, 3, 2], [2]], attributes: { pads: [0, 1, 0, 1, 1, 0] } },
  {
    inputs: [
      [1, 1, 4, 5, 4],
      [2, 1, 2, 2, 3],
    ],
    attributes: { strides: [2, 1, 2], pads: [1, 0, 1, 0, 0, 1] },
  },
];

export const conv = defineOp({
  type: "Conv",
  infer: inferConv,
  evaluate: evaluateConv,
  gradient: gradientOfConv,
  examples,
});

export const convolutionOperators: readonly OpDefinition[] = [conv];
