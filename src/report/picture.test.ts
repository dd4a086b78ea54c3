import { describe, expect, it } from "vitest";
import type { Finding } from "../assess/schema.ts";
import { plainPng } from "../inputs/png.ts";
import { writeNpy } from "../tensor/npy.ts";
import { float32 } from "../tensor/tensor.ts";
import { makeAlbum, type Pictures } from "./picture.ts";
import { storedRun } from "./stored-run.test.fixture.ts";

const run = storedRun({ findings: 4 });
const PLENTY = 1e7;

async function levels(uri: string) {
  return plainPng.decode(Uint8Array.from(atob(uri.split(",")[1]!), (character) => character.charCodeAt(0)));
}

/** The album of one finding whose two inputs are these arrays. */
async function only(dims: number[], before: Float32Array, after: Float32Array): Promise<Pictures> {
  const files = [before, after].map((values) => writeNpy(float32(dims, values)));
  const finding = run.findings[0]!;
  const album = await makeAlbum(
    [finding],
    async (path) => files[path === finding.perturbation.blob!.original ? 0 : 1]!,
    PLENTY,
  );
  return album.pictures.get(finding)!;
}

describe("makeAlbum", () => {
  it("embeds stored PNG files as they are, and draws the change around middle gray", async () => {
    const album = await makeAlbum(run.findings, run.blob, PLENTY);
    expect(album).toMatchObject({ unreadable: 0, noRoom: 0, reduced: 0 });
    const { before, change, amplified, width, height } = album.pictures.get(run.findings[0]!)!;
    const stored = await run.blob(run.findings[0]!.perturbation.blob!.original);
    expect(before).toBe(`data:image/png;base64,${Buffer.from(stored!).toString("base64")}`);
    expect([width, height, amplified]).toEqual([32, 32, 8]);
    // 8 grey levels up or down, drawn 8 times as large.
    expect(new Set((await levels(change)).data)).toEqual(new Set([128 + 64, 128 - 64]));
  });

  it("shows floats, one channel or three, and any other number as its mean", async () => {
    const gray = await only([1, 2, 1], Float32Array.of(0, 1), Float32Array.of(0, 0.25));
    expect((await levels(gray.before)).data).toEqual(Uint8Array.of(0, 255));
    expect(gray).toMatchObject({ amplified: 1, note: null, reducedFrom: null });
    expect((await levels(gray.change)).data).toEqual(Uint8Array.of(128, 0));
    const two = await only([1, 1, 2], Float32Array.of(0, 1), Float32Array.of(0, 1));
    expect((await levels(two.before)).data).toEqual(Uint8Array.of(128));
    expect(two.note).toBe("mean of 2 channels");
  });

  it("reduces large images, and keeps the largest change of each box", async () => {
    const before = new Float32Array(512 * 512).fill(0.5);
    const after = before.slice();
    after[512 * 300 + 301] = 0.25;
    const { change, width, height, reducedFrom } = await only([512, 512, 1], before, after);
    expect([width, height, reducedFrom]).toEqual([256, 256, { width: 512, height: 512 }]);
    const { data } = await levels(change);
    expect(data[256 * 150 + 150]).toBe(64);
    expect(data.filter((level) => level !== 128)).toHaveLength(1);
  });

  it("makes pictures smaller before it leaves any out, and stays within its budget", async () => {
    const noise = Float32Array.from(
      { length: 128 * 128 * 3 },
      (_, i) => Math.abs(Math.sin(i * 12.9898) * 43758.5453) % 1,
    );
    const file = writeNpy(float32([128, 128, 3], noise));
    const size = (pictures: Iterable<Pictures>) =>
      Array.from(pictures, (one) => one.before.length + one.after.length + one.change.length).reduce(
        (a, b) => a + b,
        0,
      );
    for (const budget of [400_000, 100_000, 30_000, 100]) {
      const album = await makeAlbum(run.findings, async () => file, budget);
      expect(size(album.pictures.values())).toBeLessThanOrEqual(budget);
      expect(album.pictures.size + album.noRoom).toBe(4);
      if (budget === 400_000) expect([album.noRoom, album.reduced > 0]).toEqual([0, true]);
      if (budget === 100) expect(album.noRoom).toBe(4);
    }
  });

  it("counts what is missing, damaged, of two sizes or no image", async () => {
    const vector = writeNpy(float32([3], new Float32Array(3)));
    const bad: [string, (path: string, finding: Finding) => Uint8Array | null][] = [
      ["missing", () => null],
      ["damaged", () => new Uint8Array(10)],
      ["a vector", () => vector],
    ];
    for (const [, blob] of bad) {
      const album = await makeAlbum(run.findings, async (path) => blob(path, run.findings[0]!), PLENTY);
      expect(album).toMatchObject({ unreadable: 4, pictures: new Map() });
    }
    let calls = 0;
    const small = await plainPng.encode({ height: 1, width: 1, channels: 3, data: new Uint8Array(3) });
    const mixed = await makeAlbum(run.findings, async (path) => (calls++ % 2 === 0 ? run.blob(path) : small), PLENTY);
    expect(mixed.unreadable).toBe(4);
  });
});
