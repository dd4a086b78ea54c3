import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withGradient } from "../autodiff/index.ts";
import { readModel, writeModel } from "../graph/index.ts";
import { loadClassifier, type OnnxClassifier } from "../models/index.ts";
import { operators } from "../ops/index.ts";
import { nodeRuntime } from "../runtime/node.ts";
import { runDirectly } from "../runtime/node-direct.ts";
import type { Runtime } from "../runtime/runtime.ts";
import { readNpz } from "../tensor/npz.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { linf } from "../threats/index.ts";
import { lossGradient } from "./fgsm-by-hand.ts";

/** FGSM as courses print it, run in PyTorch: see bench/peers/fgsm_textbook.py. */
const fixture = (file: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`../../bench/peers/fixtures/${file}`, import.meta.url))));
const MODEL = fixture("fgsm_textbook.onnx");
const TORCH = readNpz(fixture("fgsm_textbook.npz"));
const SAMPLES = 16;
/** Values of one sample: 3 x 8 x 8. */
const SIZE = 192;
const EPSILON = Number(TORCH["epsilon"]!.data[0]);
const LABELS = Array.from(TORCH["labels"]!.data as BigInt64Array, Number);

/** Sample `i` of an array [16, 3, 8, 8]. */
function plane(name: string, i: number): Float32Array {
  return (TORCH[name]!.data as Float32Array).subarray(i * SIZE, (i + 1) * SIZE);
}

/** From channel-height-width order to height-width-channel order. */
function toPixels(values: Float32Array): Float32Array {
  return Float32Array.from(values, (_, i) => values[(i % 3) * 64 + Math.floor(i / 3)]!);
}

/** Samples whose label has, in float32, a probability of exactly 1: the snippet's gradient has lost its own class there. */
const SATURATED = LABELS.flatMap((label, i) => (TORCH["probabilities"]!.data[10 * i + label] === 1 ? [i] : []));

interface Comparison {
  /** Pixels whose adversarial value differs although |g| > 1e-6 max|g|. */
  readonly differ: number;
  /** Pixels whose gradient is too small for its sign to mean anything. */
  readonly tooSmall: number;
}

function compare(ours: Float32Array, adversarial: Float32Array, gradient: Float32Array): Comparison {
  const largest = gradient.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  let differ = 0;
  let tooSmall = 0;
  for (const [i, value] of gradient.entries())
    if (Math.abs(value) <= 1e-6 * largest) tooSmall++;
    // A step is 8/255; adding it in float32 or float64 is a matter of 6e-8.
    else if (Math.abs(ours[i]! - adversarial[i]!) > 1e-6) differ++;
  return { differ, tooSmall };
}

let runtime: Runtime;
let model: OnnxClassifier;

beforeAll(async () => {
  runtime = await nodeRuntime({ workers: 1 });
  model = await loadClassifier(MODEL, { runtime });
});
afterAll(() => runtime.close());

/** Our FGSM, as the exercise does it. */
async function ours(i: number): Promise<Float32Array> {
  const x0 = toPixels(plane("input", i));
  const threat = linf(EPSILON);
  return threat.ascend(x0, await lossGradient(model, x0, LABELS[i]!), threat.effectiveEpsilon, x0);
}

describe("FGSM equals the textbook's snippet in PyTorch", () => {
  it("the samples go from a guess to a probability of exactly 1", () => {
    expect(SATURATED).toEqual([14, 15]);
    expect(Number(TORCH["probabilities"]!.data[LABELS[0]!])).toBeLessThan(0.4);
  });

  // -log p_y with p = softmax(z) and our cross-entropy of z are one function, so their gradients are equal. We take the logits from
  // before the Softmax; the snippet goes through it.
  it("with -log p, on every pixel whose gradient is more than rounding", async () => {
    expect(model.notes).toContain("logits taken before the final Softmax");
    const found: Comparison[] = [];
    for (let i = 0; i < SAMPLES; i++) {
      const [adversarial, gradient] = [plane("adversarial_probabilities", i), plane("grad_probabilities", i)];
      found.push(compare(await ours(i), toPixels(adversarial), toPixels(gradient)));
    }
    // The convolution never sees the last row and column: 15 pixels of 3 channels.
    expect(found).toEqual(LABELS.map(() => ({ differ: 0, tooSmall: 45 })));
  });

  it("both lose part of the gradient as the probability nears 1: signs that float64 gives otherwise", async () => {
    const wrong = (signs: readonly number[], i: number) =>
      signs.filter((sign, j) => sign !== TORCH["exact_sign"]!.data[i * SIZE + j]).length;
    const torch = LABELS.map((_, i) => wrong(Array.from(plane("grad_probabilities", i), Math.sign), i));
    expect(torch).toEqual([...new Array<number>(13).fill(0), 7, 37, 33]);
    const own: number[] = [];
    for (const [i, label] of LABELS.entries()) {
      const gradient = await lossGradient(model, toPixels(plane("input", i)), label);
      // Back to channel-height-width order.
      own.push(
        wrong(
          Array.from(gradient, (_, j) => Math.sign(gradient[(j % 64) * 3 + Math.floor(j / 64)]!)),
          i,
        ),
      );
    }
    expect(own.flatMap((count, i) => (count > 0 ? [i] : []))).toEqual([13, ...SATURATED]);
  });

  it("with probabilities taken for logits (softmax twice), where the model's output is given as logits", async () => {
    const doubled = withGradient(readModel(MODEL), {
      table: operators,
      loss: "cross-entropy",
      wrt: ["input"],
      logits: "probabilities",
    });
    const { input, labels } = TORCH as { input: Tensor; labels: Tensor };
    const gradients = (await runDirectly(writeModel(doubled), { input, labels }))["grad_input"]!.data as Float32Array;
    const found = LABELS.map((_, i) => {
      const x0 = plane("input", i);
      const adversarial = linf(EPSILON).ascend(x0, gradients.slice(i * SIZE, (i + 1) * SIZE), EPSILON, x0);
      return compare(adversarial, plane("adversarial_twice", i), plane("grad_twice", i));
    });
    expect(found).toEqual(LABELS.map(() => ({ differ: 0, tooSmall: 45 })));
  });
});
