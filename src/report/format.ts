/** Figures as people read them; shared by every report. */

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A confidence: what is not certain never rounds to certainty. */
export function sure(share: number): string {
  if (share > 0.999 && share < 1) return "more than 99.9 %";
  return share > 0 && share < 0.001 ? "less than 0.1 %" : percent(share);
}

/** `1 finding`, `1,000 findings`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** `[85.1, 90.9]`, in percent. */
export function interval({ low, high }: { readonly low: number; readonly high: number }): string {
  return `[${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
}

/** `1,234,567` in every locale. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** `0.3` where three digits say it exactly, grey levels (`8/255`) where those do, else three digits. */
export function epsilonText(epsilon: number): string {
  const short = Number(epsilon.toPrecision(3));
  const levels = Math.round(255 * epsilon);
  // Measured sizes come from float32 values.
  const same = (value: number) => Math.abs(value - epsilon) < 1e-7;
  const isLevels = !same(short) && same(levels / 255);
  return isLevels ? `${levels}/255` : String(short);
}

export type Align = "left" | "right";

/** Columns padded to their widest cell; no trailing blanks. */
export function table(rows: readonly (readonly string[])[], align: readonly Align[]): string[] {
  const widths = align.map((_, column) => Math.max(0, ...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    align
      .map((side, column) => {
        const cell = row[column] ?? "";
        return side === "left" ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
      })
      .join("  ")
      .trimEnd(),
  );
}
