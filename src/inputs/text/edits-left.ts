import type { Leaps } from "./leaps.ts";

/** What a way from one text to another may do, and how far it may lead. */
export interface Reach {
  readonly replace: boolean;
  readonly insert: boolean;
  /** And swap two neighbors. */
  readonly drop: boolean;
  readonly leaps: Leaps;
  /** By how many code points the new text may be longer, and shorter, than what it was made from. */
  readonly longer: number;
  readonly shorter: number;
}

const FAR = 0xffff;

/**
 * How many edits are left at least: by dynamic programming from the ends of both texts, as if any character could be put anywhere. A search that gives up
 * where more are left than it may make looks at hardly anything but the shortest ways.
 */
export class EditsLeft {
  private readonly width: number;
  private readonly low: number;
  private readonly rows: number;
  private readonly leaps: Leaps;
  /** By i, then by j - i. */
  private readonly table: Uint16Array;

  constructor(source: readonly string[], to: readonly string[], reach: Reach) {
    const { longer, shorter } = reach;
    const grows = to.length - source.length;
    this.low = Math.max(grows - longer, -shorter);
    const high = Math.min(grows + shorter, longer);
    this.width = Math.max(0, high - this.low + 1);
    this.rows = source.length + 1;
    this.leaps = reach.leaps;
    this.table = new Uint16Array(this.rows * this.width).fill(FAR);
    this.fill(source, to, reach);
  }

  /** 0xffff where no way leads to the ends. */
  at(i: number, j: number): number {
    const diagonal = j - i - this.low;
    return i >= this.rows || diagonal < 0 || diagonal >= this.width ? FAR : this.table[i * this.width + diagonal]!;
  }

  /** The fewest that are left after an edit at (i, j). */
  afterEdit(i: number, j: number): number {
    let fewest = Math.min(this.at(i + 1, j + 1), this.at(i, j + 1), this.at(i + 1, j), this.at(i + 2, j + 2));
    for (const { take, give } of this.leaps.at(i, j)) fewest = Math.min(fewest, this.at(i + take, j + give));
    return fewest;
  }

  private fill(source: readonly string[], to: readonly string[], { replace, insert, drop, leaps }: Reach): void {
    const { table, width, low } = this;
    for (let i = source.length; i >= 0; i--) {
      const a = source[i];
      const last = Math.min(width - 1, to.length - i - low);
      for (let diagonal = last; diagonal >= Math.max(0, -i - low); diagonal--) {
        const here = i * width + diagonal;
        const j = i + diagonal + low;
        const b = to[j];
        // One row down on the same diagonal: both texts go on by one.
        const both = a === undefined || b === undefined ? FAR : table[here + width]!;
        let left = a === b ? (a === undefined ? 0 : both) : replace ? both + 1 : FAR;
        if (insert && diagonal < last) left = Math.min(left, table[here + 1]! + 1);
        if (drop && a !== undefined && diagonal > 0) left = Math.min(left, table[here + width - 1]! + 1);
        if (drop && a !== b && b !== undefined && a === to[j + 1] && b === source[i + 1])
          left = Math.min(left, this.at(i + 2, j + 2) + 1);
        if (!leaps.none)
          for (const { take, give } of leaps.at(i, j)) left = Math.min(left, this.at(i + take, j + give) + 1);
        table[here] = Math.min(left, FAR);
      }
    }
  }
}
