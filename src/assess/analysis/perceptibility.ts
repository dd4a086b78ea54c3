import type { ColorDifference } from "../../inputs/measures/index.ts";
import { type EditKind, isNoticed } from "../../inputs/text/edits.ts";
import type { TextChange } from "../../inputs/text/text-change.ts";
import type { Finding } from "../schema.ts";

type Band = Finding["perturbation"]["perceptibility"]["band"];

/** A band, and the comparisons that decided, with their numbers. */
export interface Judgement {
  readonly band: Band;
  readonly rule: string;
}

interface Condition {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly side: "at least" | "at most" | "below";
  readonly unit?: string;
}

/** What a band asks for, from the least perceptible band on; `obvious` is what is left. */
type Ladder = readonly (readonly [Exclude<Band, "obvious">, readonly Condition[]])[];

const SIGNS = { "at least": [">=", "<"], "at most": ["<=", ">"], below: ["<", ">="] } as const;

function holds({ value, limit, side }: Condition): boolean {
  return side === "at least" ? value >= limit : side === "at most" ? value <= limit : value < limit;
}

function told(condition: Condition): string {
  const sign = SIGNS[condition.side][holds(condition) ? 0 : 1];
  const unit = condition.unit ?? "";
  return `${condition.name} ${Number(condition.value.toPrecision(4))}${unit} ${sign} ${condition.limit}${unit}`;
}

/** The first band whose conditions all hold. The rule names these, and what kept the change out of the band before. */
function judge(ladder: Ladder): Judgement {
  const index = ladder.findIndex(([, conditions]) => conditions.every(holds));
  const missed = ladder.at(index < 0 ? -1 : index - 1);
  const failed = index === 0 ? [] : missed![1].filter((condition) => !holds(condition)).map(told);
  if (index < 0) return { band: "obvious", rule: failed.join(", ") };
  const [band, conditions] = ladder[index]!;
  const not = failed.length === 0 ? "" : `; not ${missed![0]}: ${failed.join(", ")}`;
  return { band, rule: conditions.map(told).join(", ") + not };
}

/** Two gray levels of 255, with room for float32. */
const TWO_LEVELS = 2 / 255 + 1e-6;

/** How an image differs from the clean one. */
export interface Look {
  readonly linf: number;
  /** dB; null for equal images. */
  readonly psnr: number | null;
  readonly ssim: number;
  readonly ciede2000?: ColorDifference;
}

/**
 * Whether a person would notice the change of an image. A convention, not a law of vision: imperceptible is a change of at most two
 * gray levels; else SSIM and CIEDE2000 decide, and where there is no color, SSIM and PSNR. See docs/analysis.md for the limits.
 */
export function imageBand({ linf, psnr, ssim, ciede2000 }: Look): Judgement {
  if (linf <= TWO_LEVELS)
    return { band: "imperceptible", rule: `L-inf ${Number((255 * linf).toPrecision(3))}/255 <= 2/255` };
  const similar = (limit: number): Condition => ({ name: "SSIM", value: ssim, limit, side: "at least" });
  if (ciede2000 === undefined) {
    const clear = (limit: number): Condition => ({ name: "PSNR", value: psnr ?? Infinity, limit, side: "at least" });
    return judge([
      ["imperceptible", [similar(0.98), clear(40)]],
      ["subtle", [similar(0.95), clear(34)]],
      ["visible", [similar(0.85), clear(28)]],
    ]);
  }
  const { mean, p95 } = ciede2000;
  const color = (limit: number): Condition => ({ name: "mean CIEDE2000", value: mean, limit, side: "below" });
  return judge([
    ["imperceptible", [similar(0.98), color(1), { name: "95th percentile", value: p95, limit: 2.3, side: "below" }]],
    ["subtle", [similar(0.95), color(2.3)]],
    ["visible", [similar(0.85)]],
  ]);
}

/**
 * Whether a person who reads a record would notice: by the largest change, as a part of its field's declared range. A convention of
 * ours: a twentieth of the range is subtle, a fifth visible.
 */
export function vectorBand(linf: number): Judgement {
  const moved = (limit: number): Condition => ({
    name: "largest change over its field's range",
    value: 100 * linf,
    limit,
    side: "at most",
    unit: " %",
  });
  return judge([
    ["imperceptible", [moved(1)]],
    ["subtle", [moved(5)]],
    ["visible", [moved(20)]],
  ]);
}

/** From this part of the words on, edits that each could pass for a slip no longer do. */
const MANY_WORDS = 1 / 5;

/**
 * Whether a person who reads the text would notice, by its most conspicuous edit: what shows nothing and letters that are turned around and back are
 * imperceptible, look-alikes subtle, slips and other words visible, many of them or a rewrite obvious. A convention of ours.
 */
export function textBand({ edits, editedWords, words }: TextChange): Judgement {
  const kinds = (test: (kind: EditKind) => boolean) => [
    ...new Set(edits.map(({ kind }) => kind).filter((kind) => test(kind))),
  ];
  if (edits.length === 0) return { band: "imperceptible", rule: "the same text" };
  const noticed = kinds(isNoticed);
  if (noticed.length === 0) {
    const alike = kinds((kind) => kind === "homoglyph").length > 0;
    return alike
      ? { band: "subtle", rule: "letters that look alike" }
      : { band: "imperceptible", rule: "nothing that shows" };
  }
  const share = words === 0 ? 1 : editedWords / words;
  const told = `${noticed.join(", ")}: ${editedWords} of ${words} words`;
  if (noticed.includes("rewrite")) return { band: "obvious", rule: "rewritten" };
  return share <= MANY_WORDS || editedWords <= 1
    ? { band: "visible", rule: told }
    : { band: "obvious", rule: `${told}, more than a fifth` };
}
