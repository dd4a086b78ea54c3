/**
 * The splits that hardening is measured on, as .npz files in the units of the models: training, choosing (validation), measuring (test). Identical
 * images stay together. Each is drawn by a seed, so everybody has the same.
 *
 *   node bench/harden-data.mjs road-signs|mnist|gtsrb --out FOLDER [--data ../shared/data]
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { int64, openDataset, Rng, sha256, tensor, writeNpz } from "../dist/index.js";
import { renderSet, SIZE } from "../examples/road-signs/render.mjs";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: "string" },
    data: { type: "string", default: process.env["BLINDSPOT_DATA"] ?? "../shared/data" },
  },
});
const { out, data } = options;
const name = positionals[0];
if (out === undefined || !["road-signs", "mnist", "gtsrb"].includes(name ?? ""))
  throw new Error("usage: node bench/harden-data.mjs road-signs|mnist|gtsrb --out FOLDER");

/** @typedef {{ dims: number[], images: Uint8Array[], labels: number[] }} Images */

/** @param {string} part @param {Images} set */
function save(part, { dims, images, labels }) {
  const x = new Uint8Array(images.length * images[0].length);
  images.forEach((image, i) => {
    x.set(image, i * image.length);
  });
  const path = join(out, `${name}-${part}.npz`);
  writeFileSync(path, writeNpz({ x: tensor("uint8", [images.length, ...dims], x), y: int64([labels.length], labels) }));
  console.log(`${path}: ${images.length} images, sha256 of the pixels ${sha256(x).slice(0, 16)}`);
}

/** @param {string} spec @returns {Promise<Images>} */
async function read(spec) {
  const set = await openDataset(spec);
  const images = [];
  for (let i = 0; i < set.length; i++)
    images.push(Uint8Array.from((await set.sample(i)).point, (value) => Math.round(255 * value)));
  return { dims: [...set.dims], images, labels: [...set.labels] };
}

/** Cuts into parts of these sizes, in seeded order; images that are equal stay in one part. @param {Images} set @param {number[]} sizes */
function cut({ dims, images, labels }, sizes, seed = 0) {
  /** @type {Map<string, number[]>} */
  const equal = new Map();
  images.forEach((image, i) => {
    const key = sha256(image);
    equal.set(key, [...(equal.get(key) ?? []), i]);
  });
  const groups = Rng.of(seed)
    .fold("split")
    .shuffle([...equal.values()]);
  return sizes.map((size) => {
    const part = [];
    for (let i = 0; i < groups.length && part.length < size; ) {
      if (part.length + groups[i].length > size) i++;
      else part.push(...groups.splice(i, 1)[0]);
    }
    return { dims, images: part.map((i) => images[i]), labels: part.map((i) => labels[i]) };
  });
}

/** @param {number} seed @param {number} count @returns {Images} */
function rendered(seed, count) {
  const { images, labels } = renderSet(seed, count);
  const size = SIZE * SIZE * 3;
  return {
    dims: [SIZE, SIZE, 3],
    images: Array.from({ length: count }, (_, i) => images.subarray(i * size, (i + 1) * size)),
    labels: [...labels],
  };
}

mkdirSync(out, { recursive: true });
if (name === "road-signs") {
  // Seeds that neither the networks nor their test set (2026, which is what measures) were drawn with.
  save("train", rendered(11, 8_000));
  save("choose", rendered(12, 800));
} else if (name === "mnist") {
  const set = await read(`idx:${data}/mnist/t10k-images-idx3-ubyte.gz,${data}/mnist/t10k-labels-idx1-ubyte.gz`);
  const [train, choose, test] = cut(set, [7_500, 1_000, 1_500]);
  save("train", train);
  save("choose", choose);
  save("test", test);
} else {
  const shape = "shape=32x32x3&layout=hwc&label=first";
  const [train, choose] = cut(
    await read(`records:${data}/gtsrb/gtsrb_train_32x32_200_per_class.bin.gz?${shape}`),
    [7_600, 1_000],
  );
  save("train", train);
  save("choose", choose);
  save("test", await read(`records:${data}/gtsrb/gtsrb_test_32x32_first1500.bin.gz?${shape}`));
}
