import type { RowSpace } from "./row-space.ts";

type Levels = Int32Array;

/** Whether a row is allowed and still does what it did. */
export type Keeps = (levels: Levels) => Promise<boolean>;

/** Levels between the clean one and the changed one that are all tried; of more, bisection looks at a few. */
const SWEPT = 12;

/** What follows from a change is computed where the row would break a relation. */
function settled(space: RowSpace, levels: Levels, clean: Levels): Levels {
  return space.broken(levels) === null ? levels : space.derive(levels, clean);
}

function withLevel(space: RowSpace, levels: Levels, clean: Levels, field: number, level: number): Levels {
  const changed = Int32Array.from(levels);
  changed[field] = level;
  return settled(space, changed, clean);
}

/** Only these changes, and what follows from them. */
export function keepingFields(space: RowSpace, wrong: Levels, clean: Levels, kept: readonly number[]): Levels {
  const levels = Int32Array.from(clean);
  for (const field of kept) levels[field] = wrong[field]!;
  return settled(space, levels, clean);
}

/** Takes fields back one by one, the smallest change first, until none can go. */
export async function fewerFields(space: RowSpace, wrong: Levels, clean: Levels, keeps: Keeps): Promise<Levels> {
  let best = wrong;
  for (let gained = true; gained; ) {
    gained = false;
    const shift = (f: number) => space.fields[f]!.cost * space.shift(f, clean[f]!, best[f]!);
    for (const field of space.changed(best, clean).sort((a, b) => shift(a) - shift(b) || a - b)) {
      const fewer = withLevel(space, best, clean, field, clean[field]!);
      const count = space.changed(fewer, clean).length;
      if (count === 0 || count >= space.changed(best, clean).length || !(await keeps(fewer))) continue;
      best = fewer;
      gained = true;
    }
  }
  return best;
}

/** Moves each changed number toward its clean value, on its own grid: nearest first where there are few values between, else by bisection. */
export async function nearerNumbers(space: RowSpace, wrong: Levels, clean: Levels, keeps: Keeps): Promise<Levels> {
  let best = wrong;
  const cheaper = async (levels: Levels): Promise<boolean> => {
    if (space.cost(levels, clean) >= space.cost(best, clean)) return false;
    if (space.changed(levels, clean).length > space.changed(best, clean).length || !(await keeps(levels))) return false;
    best = levels;
    return true;
  };
  for (const field of space.changed(wrong, clean)) {
    if (!space.fields[field]!.ordered) continue;
    const home = clean[field]!;
    const toward = Math.sign(wrong[field]! - home);
    const between = Math.abs(best[field]! - home);
    const at = (steps: number) => withLevel(space, best, clean, field, home + toward * steps);
    if (between <= SWEPT) {
      for (let steps = 1; steps < between && !(await cheaper(at(steps))); steps++);
      continue;
    }
    let [low, high] = [0, between];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (await cheaper(at(middle))) high = middle;
      else low = middle;
    }
  }
  return best;
}

/** Significant decimal digits of all changed numbers. */
export function digitsOf(space: RowSpace, levels: Levels, clean: Levels): number {
  return space
    .changed(levels, clean)
    .filter((f) => space.fields[f]!.ordered)
    .reduce((sum, f) => sum + significant(Number(space.fields[f]!.value(levels[f]!))), 0);
}

function significant(value: number): number {
  const [digits = ""] = Math.abs(value).toExponential().split("e");
  return digits.replace(".", "").replace(/0+$/, "").length;
}

/** Rounds each changed number away from its clean value, to the fewest digits with which `keeps` holds. */
export async function rounderNumbers(space: RowSpace, wrong: Levels, clean: Levels, keeps: Keeps): Promise<Levels> {
  let best = wrong;
  for (const field of space.changed(wrong, clean)) {
    const { ordered, value, parse } = space.fields[field]!;
    const now = Number(value(best[field]!));
    if (!ordered || !Number.isFinite(now)) continue;
    const up = best[field]! > clean[field]!;
    for (let digits = 1; digits < significant(now); digits++) {
      const unit = 10 ** (Math.floor(Math.log10(Math.abs(now))) - digits + 1);
      const level = parse(
        String(Number(((up ? Math.ceil(now / unit) : Math.floor(now / unit)) * unit).toPrecision(12))),
      );
      if (level === null || level === best[field]) continue;
      const rounder = withLevel(space, best, clean, field, level);
      if (space.changed(rounder, clean).length > space.changed(best, clean).length || !(await keeps(rounder))) continue;
      best = rounder;
      break;
    }
  }
  return best;
}
