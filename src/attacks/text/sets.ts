import type { EditSpace } from "../../inputs/text/edit-space.ts";
import type { TextEdit } from "../../inputs/text/edits.ts";

/**
 * All lists of so many edits that stand one after the other, out of single ones. Insertions at one place may follow each other in any order, and the
 * same one twice.
 */
export class EditSets {
  private readonly space: EditSpace;
  private readonly singles: readonly TextEdit[];
  /** At p: the first single that begins at code point p or later. */
  private readonly from: Int32Array;

  constructor(space: EditSpace, singles: readonly TextEdit[]) {
    this.space = space;
    this.singles = [...singles].sort((a, b) => a.start - b.start || a.end - b.end);
    const size = space.segments.characters.length;
    this.from = new Int32Array(size + 2).fill(this.singles.length);
    for (let i = this.singles.length - 1; i >= 0; i--) this.from[this.singles[i]!.start] = i;
    for (let at = size; at >= 0; at--) this.from[at] = Math.min(this.from[at]!, this.from[at + 1]!);
  }

  /** How many there are at most: limits of single kinds may allow fewer. */
  count(edits: number): number {
    const { singles } = this;
    // behind[i]: lists that begin with single i or a later one.
    let behind: Float64Array | null = null;
    for (let length = 1; length <= edits; length++) {
      const next = new Float64Array(singles.length + 1);
      for (let i = singles.length - 1; i >= 0; i--)
        next[i] = next[i + 1]! + (behind === null ? 1 : behind[this.from[singles[i]!.end]!]!);
      behind = next;
    }
    return behind?.[0] ?? 0;
  }

  *of(edits: number, made: readonly TextEdit[] = []): Generator<readonly TextEdit[]> {
    if (made.length === edits) {
      yield made;
      return;
    }
    for (let i = this.from[made.at(-1)?.end ?? 0]!; i < this.singles.length; i++) {
      const edit = this.singles[i]!;
      if (this.space.allows(made, edit)) yield* this.of(edits, [...made, edit]);
    }
  }
}
