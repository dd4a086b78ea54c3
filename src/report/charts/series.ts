import { html, type Markup } from "../markup.ts";
import { at } from "./figure.ts";

/** How one line is told from the others: by color, and without color by its dashes and its mark. The colors are in the page's style. */
export interface Look {
  readonly color: string;
  readonly dash: string;
  readonly mark: "circle" | "square" | "diamond" | "triangle";
}

export const LOOKS = {
  "white-box": { color: "c-white-box", dash: "", mark: "circle" },
  score: { color: "c-score", dash: "7 3", mark: "square" },
  label: { color: "c-label", dash: "2 3", mark: "diamond" },
  transfer: { color: "c-transfer", dash: "9 3 2 3", mark: "triangle" },
  clean: { color: "c-clean", dash: "", mark: "circle" },
  all: { color: "c-text", dash: "", mark: "diamond" },
} as const satisfies Record<string, Look>;

const SHAPES: Readonly<Record<Look["mark"], (x: number, y: number, r: number) => string>> = {
  circle: (x, y, r) =>
    `M${at(x - r)} ${at(y)}a${at(r)} ${at(r)} 0 1 0 ${at(2 * r)} 0a${at(r)} ${at(r)} 0 1 0 ${at(-2 * r)} 0Z`,
  square: (x, y, r) => `M${at(x - r)} ${at(y - r)}h${at(2 * r)}v${at(2 * r)}h${at(-2 * r)}Z`,
  diamond: (x, y, r) =>
    `M${at(x)} ${at(y - 1.3 * r)}l${at(1.3 * r)} ${at(1.3 * r)}l${at(-1.3 * r)} ${at(1.3 * r)}l${at(-1.3 * r)} ${at(-1.3 * r)}Z`,
  triangle: (x, y, r) => `M${at(x)} ${at(y - 1.2 * r)}l${at(1.2 * r)} ${at(2.2 * r)}h${at(-2.4 * r)}Z`,
};

export function markAt(look: Look, x: number, y: number, radius = 4): Markup {
  return html`<path class="${look.color} mark" d="${SHAPES[look.mark](x, y, radius)}"/>`;
}

/** Spreads labels that want to stand at these heights, in their order, at least `gap` apart and within 0..`bottom`. */
export function spread(wanted: readonly number[], gap: number, bottom: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a]! - wanted[b]! || a - b);
  const heights = [...wanted];
  let floor = Number.NEGATIVE_INFINITY;
  for (const i of order) {
    heights[i] = Math.max(wanted[i]!, floor);
    floor = heights[i]! + gap;
  }
  let ceiling = bottom;
  for (const i of order.reverse()) {
    heights[i] = Math.min(heights[i]!, ceiling);
    ceiling = heights[i]! - gap;
  }
  return heights;
}
