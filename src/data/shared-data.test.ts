import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { drawSamples, labelProblems, openDataset } from "./index.ts";

const data = process.env["BLINDSPOT_DATA"] ?? "../shared/data";

/** What the first images of these public data sets are is known. */
describe.skipIf(!existsSync(`${data}/mnist`))("public data", () => {
  it("MNIST as IDX", async () => {
    const files = ["images-idx3", "labels-idx1"].map((part) => `${data}/mnist/t10k-${part}-ubyte.gz`);
    const mnist = await openDataset(`idx:${files.join(",")}`);
    expect(mnist).toMatchObject({ length: 10_000, dims: [28, 28, 1] });
    expect([...mnist.labels.slice(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    expect(labelProblems(mnist, 10)).toEqual([]);
    expect(labelProblems(mnist, 9)).toMatchObject([{ code: "E_DATA_LABEL", where: "sample 7", got: "9" }]);
    const drawn = drawSamples(mnist, { samples: 1000, seed: 0 });
    const sevens = mnist.labels.filter((label) => label === 7).length;
    expect(Math.abs(drawn.filter((index) => mnist.labels[index] === 7).length - sevens / 10)).toBeLessThan(1);
  });

  it.each([
    [`gtsrb/gtsrb_test_32x32_first1500.bin.gz`, 1500, 43, [16, 1, 38, 33, 11]],
    [`cifar10/cifar10_exact_subset.bin`, 321, 10, [3, 8, 8, 0, 6]],
  ])("%s as records", async (file, length, classes, labels) => {
    const records = await openDataset(`records:${data}/${file}?shape=32x32x3&layout=hwc&label=first`);
    expect(records).toMatchObject({ length, dims: [32, 32, 3] });
    expect([...records.labels.slice(0, 5)]).toEqual(labels);
    expect(labelProblems(records, classes)).toEqual([]);
  });
});
