import { describe, expect, it } from "vitest";
import { CONTRASTS, DARK, LIGHT, type Palette } from "./palette.ts";
import { STYLE } from "./style.ts";

/** Relative luminance of WCAG 2.2. */
function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const c = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((one, other) => one - other);
  return (light! + 0.05) / (dark! + 0.05);
}

describe("palette", () => {
  it("measures contrast as WCAG does", () => {
    expect(contrast("#ffffff", "#000000")).toBeCloseTo(21, 5);
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
  });

  it.each([
    ["light", LIGHT],
    ["dark", DARK],
  ] as [string, Palette][])("%s: text stands out from what it stands on (AA)", (_, palette) => {
    const poor = CONTRASTS.map(({ pair: [front, back], least }) => ({
      pair: `${front} on ${back}`,
      contrast: contrast(palette[front], palette[back]),
      least,
    })).filter((found) => found.contrast < found.least);
    expect(poor).toEqual([]);
  });

  it("holds every color of the style sheet", () => {
    const known = new Set<string>([...Object.values(LIGHT), ...Object.values(DARK)]);
    expect(STYLE.match(/#[0-9a-f]{3,8}\b/gi)!.filter((color) => !known.has(color))).toEqual([]);
    expect(STYLE).not.toMatch(/rgb|hsl/);
    const used = new Set(Array.from(STYLE.matchAll(/var\(--([\w]+)\)/g), ([, name]) => name!));
    expect([...used].filter((name) => !(name in LIGHT))).toEqual([]);
  });
});
