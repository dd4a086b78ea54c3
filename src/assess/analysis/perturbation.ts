import type { Codec } from "../../inputs/codec.ts";
import { inUserUnits } from "../../inputs/field.ts";
import { type ImageLocation, type Norms, norms, psnr } from "../../inputs/measures/index.ts";
import { isNoticed } from "../../inputs/text/edits.ts";
import type { Finding } from "../schema.ts";
import { imageBand, textBand, vectorBand } from "./perceptibility.ts";

type Perturbation = Finding["perturbation"];

/** Fields of a vector that a finding names. */
const MOST_FIELDS = 32;
/** A field counts if it changed by at least this part of the largest change, as the pixels of an image do. */
const COUNTS = 1 / 100;
const DENSE = 1 / 2;

/**
 * Where x differs from x0, by how much, and whether a person would notice. Both are points of attack space (0..1), as deployed;
 * measures are in that space, `fields` in the user's own units. What only images have comes from the codec. Members are in the
 * order of the schema, so that a line which was read and written again is the same bytes.
 */
export function perturbation(
  x: Float32Array,
  x0: Float32Array,
  codec: Pick<Codec, "imageChange" | "fields" | "fieldChanges" | "textChange">,
): Omit<Perturbation, "blob"> {
  const magnitude = norms(x, x0);
  const ratio = psnr(x, x0);
  const image = codec.imageChange?.(x, x0);
  const changes = codec.fieldChanges?.(x, x0);
  const text = codec.textChange?.(x, x0);
  if (text !== undefined) {
    const { l0, ...others } = magnitude;
    const { edits, editedWords, changed, length } = text;
    return {
      location: {
        kind: edits.length === 0 ? "none" : changed >= DENSE * length ? "dense" : "sparse",
        support: Math.min(1, changed / Math.max(1, length)),
        edits: edits.map(({ start, end, original, replacement, kind }) => ({
          start,
          end,
          from: original,
          to: replacement,
          kind,
          noticed: isNoticed(kind),
        })),
      },
      magnitude: { l0, edits: edits.length, words: editedWords, ...others },
      perceptibility: { psnr: null, ...textBand(text) },
    };
  }
  if (changes !== undefined) {
    const { l0, ...others } = magnitude;
    return {
      location: {
        kind: changes.length === 0 ? "none" : "sparse",
        support: l0 / x.length,
        fields: changes.slice(0, MOST_FIELDS).map((change) => ({ ...change })),
      },
      magnitude: { l0, fields: changes.length, ...others },
      perceptibility: { psnr: ratio, ...vectorBand(magnitude.linf) },
    };
  }
  if (image === undefined)
    return {
      location: locateFields(x, x0, magnitude, codec.fields ?? []),
      magnitude,
      perceptibility: { psnr: ratio, ...vectorBand(magnitude.linf) },
    };
  const { ssim, ciede2000 } = image;
  const { l0, ...others } = magnitude;
  const colors = ciede2000 === undefined ? {} : { ciede2000 };
  return {
    location: rounded(image.location, l0 / x.length),
    magnitude: { l0, l0Pixels: image.pixels, ...others },
    perceptibility: {
      psnr: ratio,
      ssim,
      ...colors,
      ...imageBand({ linf: magnitude.linf, psnr: ratio, ssim, ...colors }),
    },
  };
}

/** `dense` from half of the fields on, else `sparse`. */
function locateFields(
  x: Float32Array,
  x0: Float32Array,
  { l0, linf }: Norms,
  fields: NonNullable<Codec["fields"]>,
): Perturbation["location"] {
  if (l0 === 0) return { kind: "none", support: 0 };
  const size = (i: number) => Math.abs(x[i]! - x0[i]!);
  const changed = Array.from(x.keys()).filter((i) => size(i) > 0);
  const counting = changed.filter((i) => size(i) >= COUNTS * linf).length;
  return {
    kind: counting >= DENSE * x.length ? "dense" : "sparse",
    support: l0 / x.length,
    fields: changed
      .sort((a, b) => size(b) - size(a) || a - b)
      .slice(0, MOST_FIELDS)
      .map((index) => {
        const field = fields[index] ?? { low: 0, high: 1 };
        const [from, to] = [inUserUnits(field, x0[index]!), inUserUnits(field, x[index]!)];
        return { index, ...(field.name === undefined ? {} : { name: field.name }), from, to };
      }),
  };
}

/** Shares to four digits: a line of `findings.jsonl` holds a hundred of them. */
function rounded(location: ImageLocation, support: number): Perturbation["location"] {
  if (location.kind === "none") return { kind: "none", support };
  const share = (value: number) => Math.round(value * 1e4) / 1e4;
  const { centroid, topRegions, energyMap, spectrum } = location;
  return {
    kind: location.kind,
    support,
    bbox: location.bbox,
    centroid: [share(centroid[0]), share(centroid[1])],
    topRegions: topRegions.map((region) => ({ bbox: region.bbox, energyShare: share(region.energyShare) })),
    energyMap: energyMap.map((row) => row.map(share)),
    spectrum: { low: share(spectrum.low), mid: share(spectrum.mid), high: share(spectrum.high) },
  };
}
