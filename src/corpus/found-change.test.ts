import { describe, expect, it } from "vitest";
import { perturbation } from "../assess/analysis/perturbation.ts";
import { imageCodec, textCodec, textPoint } from "../inputs/index.ts";
import { plainPng } from "../inputs/png.ts";
import { foundChange } from "./found-change.ts";

describe("what an event keeps of a change", () => {
  it("of a text: each kind of edit with its third of the text, once", () => {
    const [clean, point] = ["get a free prize now, my friend", "g\u200bet a free przie now, my frien\u200bd\u200b"].map(
      (text) => textPoint(text, 60),
    ) as [Float32Array, Float32Array];
    const { distance, where } = foundChange(perturbation(point, clean, textCodec(60)), clean);
    expect(where).toEqual({ edits: ["invisible, beginning", "invisible, end", "swap, middle"] });
    expect(distance).toMatchObject({ words: 3 });
  });

  it("of an image: the region with most of the change, unless it is everywhere", () => {
    const codec = imageCodec([8, 8, 1], "none", plainPng);
    const clean = new Float32Array(64).fill(0.5);
    const corner = Float32Array.from(clean, (value, i) => (i === 63 ? 1 : value));
    expect(foundChange(perturbation(corner, clean, codec), clean).where).toEqual({ region: "row 4, column 4" });
    const all = clean.map((value) => value + 0.1);
    expect(foundChange(perturbation(all, clean, codec), clean).where).toBeUndefined();
  });
});
