import { Rng } from "../base/rng.ts";
import { Graph, Model, opBuilder } from "../graph/index.ts";
import { operators } from "../ops/index.ts";
import { float32, int64, type Tensor } from "../tensor/tensor.ts";

/** Noisy gray 8x8 images of a bar: upright, lying or rising. Place, brightness and background vary. */
export function barImages(seed: number, count: number): { x: Tensor; y: Tensor } {
  const rng = Rng.of(seed).fold("bars");
  const pixels: number[] = [];
  const labels = Array.from({ length: count }, (_, n) => n % 3);
  for (const label of labels) {
    const at = 2 + rng.integer(4);
    const [ground, ink] = [0.1 + 0.3 * rng.uniform(), 0.3 + 0.3 * rng.uniform()];
    for (let i = 0; i < 8; i++)
      for (let j = 0; j < 8; j++) {
        const isInk = label === 0 ? j === at : label === 1 ? i === at : i + j === at + 3;
        pixels.push(Math.min(1, Math.max(0, ground + (isInk ? ink : 0) + 0.15 * rng.normal())));
      }
  }
  return { x: float32([count, 8, 8, 1], pixels), y: int64([count], labels) };
}

/** 64 - 32 - 3 with seeded weights, which know nothing yet. */
export function barNetwork(): Model {
  const graph = new Graph("bars");
  const op = opBuilder(graph, operators);
  const rng = Rng.of(9).fold("weights");
  const weights = (rows: number, columns: number) =>
    op.initializer(
      `w${columns}`,
      float32(
        [rows, columns],
        Array.from({ length: rows * columns }, () => rng.normal() * Math.sqrt(2 / rows)),
      ),
    );
  const zeros = (size: number) => op.initializer(`b${size}`, float32([size], new Float32Array(size)));
  const x = op.input("x", { dtype: "float32", shape: ["N", 8, 8, 1] });
  const hidden = op.Relu(op.Gemm(op.Flatten(x), weights(64, 32), zeros(32)));
  const logits = op.Gemm(hidden, weights(32, 3), zeros(3));
  logits.name = "logits";
  op.output(logits);
  return new Model(graph, 17);
}
