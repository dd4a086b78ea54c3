/**
 * Colors by role, for light and dark. The lines of charts follow Okabe and Ito (vermilion, blue, bluish green, reddish purple), which
 * people with any of the common color deficiencies tell apart; nothing is said by color alone. `CONTRASTS` is what a test holds.
 */
export const LIGHT = {
  page: "#f5f6f7",
  surface: "#ffffff",
  sunken: "#eceef0",
  text: "#1a1e23",
  muted: "#545c66",
  line: "#d6dade",
  accent: "#0b5cad",
  wrong: "#b3410e",
  right: "#00694e",
  caution: "#7a5a00",
  other: "#7a4a9c",
  onSolid: "#ffffff",
  critical: "#8c1d18",
  heat1: "#fdeee4",
  heat2: "#f9d3ba",
  heat3: "#f0ab80",
  heat4: "#b3410e",
} as const;

export type Palette = Readonly<Record<keyof typeof LIGHT, string>>;

export const DARK: Palette = {
  page: "#101316",
  surface: "#181c20",
  sunken: "#22272c",
  text: "#e6e9ec",
  muted: "#a4adb7",
  line: "#343a41",
  accent: "#74b6f5",
  wrong: "#f3965f",
  right: "#4fc3a1",
  caution: "#e3bb4d",
  other: "#cba6e6",
  onSolid: "#101316",
  critical: "#ff9d94",
  heat1: "#33231b",
  heat2: "#56301c",
  heat3: "#843f19",
  heat4: "#f3965f",
};

type Pair = readonly [front: keyof Palette, back: keyof Palette];

const TEXT: readonly Pair[] = (["text", "muted", "accent", "wrong", "right", "caution", "other", "critical"] as const)
  .flatMap((front) => (["page", "surface", "sunken"] as const).map((back): Pair => [front, back]))
  .concat(
    (["accent", "wrong", "right", "caution", "critical", "muted"] as const).map((back): Pair => ["onSolid", back]),
    (["heat1", "heat2", "heat3"] as const).map((back): Pair => ["text", back]),
    [["onSolid", "heat4"]],
  );

/** WCAG 2.2: 4.5 for text (1.4.3, AA). Marks and lines of charts (1.4.11) need 3, and have the colors of text. */
export const CONTRASTS: readonly { readonly pair: Pair; readonly least: number }[] = TEXT.map((pair) => ({
  pair,
  least: 4.5,
}));

/** The colors as custom properties of a style sheet. */
export function variables(palette: Palette): string {
  return Object.entries(palette)
    .map(([name, color]) => `--${name}:${color};`)
    .join("");
}
