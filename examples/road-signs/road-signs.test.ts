import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it } from "vitest";
import { type Dataset, loadClassifier, openDataset, Rng } from "../../src/index.ts";
import { accuracyOf, nearestCentroid, softmaxRegression } from "./baselines.mjs";
import { renderSet, renderSign, SIZE } from "./render.mjs";
import { CLASSES, SIGNS } from "./signs.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const VALUES = SIZE * SIZE * 3;
/** The seed of the test set, as in scripts/train-road-signs.mjs. */
const TEST_SEED = 2026;

let test: Dataset;
let images: Uint8Array;
beforeAll(async () => {
  test = await openDataset(`npz:${here}test.npz`);
  images = new Uint8Array(test.length * VALUES);
  for (let i = 0; i < test.length; i++)
    images.set((await test.sample(i)).point.map((value) => Math.round(value * 255)), i * VALUES);
});

describe("signs", () => {
  it("there are sixteen, and the file of names agrees", () => {
    expect(CLASSES).toHaveLength(16);
    expect(readFileSync(`${here}classes.txt`, "utf8").trim().split("\n")).toEqual(CLASSES);
  });

  it.each(Object.entries(SIGNS))("%s shows all its paints, inside its outline", (_, sign) => {
    const shown = new Set<number>();
    let reach = 0;
    for (let x = -1.5; x <= 1.5; x += 0.04)
      for (let y = -1.5; y <= 1.5; y += 0.04) {
        const top = sign.findIndex(({ shape }) => shape(x, y));
        if (top < 0) continue;
        shown.add(top);
        reach = Math.max(reach, Math.hypot(x, y));
      }
    expect(shown.size).toBe(sign.length);
    // The renderer asks no sign beyond this radius.
    expect(reach).toBeLessThan(1.48);
  });
});

describe("renderer", () => {
  it("the same seed and index give the same image, whatever was drawn before", () => {
    const set = renderSet(9, 3, 20);
    expect(set.images.subarray(VALUES, 2 * VALUES)).toEqual(renderSign(9, 21, 21 % CLASSES.length));
    expect(renderSign(10, 21, 5)).not.toEqual(renderSign(9, 21, 5));
  });

  it.each([0, 1, 333, 799])("image %i of the test set is what it draws", (index) => {
    const drawn = renderSign(TEST_SEED, index, test.labels[index]!);
    const kept = images.subarray(index * VALUES, (index + 1) * VALUES);
    // Engines may differ in the last bit of sin and exp: at most one grey level, here and there.
    const differences = drawn.map((level, i) => Math.abs(level - kept[i]!));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    expect(differences.filter((difference) => difference > 0).length).toBeLessThan(10);
  });
});

describe("test set", () => {
  it("is balanced, and of 8-bit color images", () => {
    expect(test).toMatchObject({ length: 800, dims: [SIZE, SIZE, 3], naturalQuantize: "uint8" });
    for (const label of CLASSES.keys()) expect(test.labels.filter((other) => other === label)).toHaveLength(50);
  });

  it("is too hard for what is no neural network", () => {
    const training = renderSet(4, 640);
    const rows = [...training.labels.keys()];
    const set = { images, labels: test.labels };
    const centroids = accuracyOf(nearestCentroid(training, CLASSES.length), set);
    const linear = accuracyOf(
      softmaxRegression(training, CLASSES.length, 6, (epoch) => Rng.of(epoch).shuffle(rows)),
      set,
    );
    // Better than chance, so that these baselines are alive. The training script prints what they reach with 16,000 images.
    expect(centroids).toBeGreaterThan(0.15);
    expect(centroids).toBeLessThan(0.6);
    expect(linear).toBeGreaterThan(0.2);
    expect(linear).toBeLessThan(0.85);
  });
});

describe.each(["road-signs", "surrogate"])("%s.onnx", (name) => {
  it("is small, and right about the test set", async () => {
    const bytes = readFileSync(`${here}${name}.onnx`);
    expect(bytes.length).toBeLessThan(1_000_000);
    const classifier = await loadClassifier(`${here}${name}.onnx`, { classes: CLASSES });
    try {
      const points = await Promise.all([...test.labels.keys()].map(async (i) => (await test.sample(i)).point));
      let right = 0;
      for (let start = 0; start < points.length; start += 100) {
        const rows = points.slice(start, start + 100);
        const data = new Float32Array(rows.length * VALUES);
        rows.forEach((row, i) => {
          data.set(row, i * VALUES);
        });
        const scores = await classifier.scores({ data, count: rows.length });
        rows.forEach((_, i) => {
          const own = scores.subarray(i * CLASSES.length, (i + 1) * CLASSES.length);
          if (own.indexOf(Math.max(...own)) === test.labels[start + i]) right++;
        });
      }
      expect(right / points.length).toBeGreaterThanOrEqual(0.97);
    } finally {
      await classifier.close();
    }
  });
});
