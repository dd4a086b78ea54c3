import { OVERRIDE, POP } from "./characters.ts";
import type { Segments } from "./segments.ts";
import { synonyms } from "./synonyms.ts";

/** Code points that a reordering may turn around. */
export const LONGEST_RUN = 30;
/** What a turned run may hold: characters that stand for themselves, whatever stands beside them. */
export const TURNABLE = /^[\p{Script=Latin}\p{N}]$/u;

/** An edit of many code points at once: `take` of one text become `give` of the other. */
export interface Leap {
  readonly take: number;
  readonly give: number;
  readonly kind: "word" | "reordering";
}

const NONE: readonly Leap[] = [];

/** All edits of whole words and of runs of letters that may have been made between two texts: mostly none. */
export class Leaps {
  /** By how many code points one of them makes a text longer or shorter, at most. */
  readonly longest: number;
  private readonly columns: number;
  /** By i * columns + j. */
  private readonly found = new Map<number, Leap[]>();

  constructor(
    from: Segments,
    to: readonly string[],
    kinds: { readonly words: boolean; readonly reorderings: boolean },
  ) {
    this.columns = to.length + 1;
    const places = placesOf(to);
    if (kinds.reorderings) for (const j of places.get(OVERRIDE) ?? []) this.findTurned(from.characters, to, j);
    if (kinds.words) this.findWords(from, to, places);
    this.longest = [...this.found.values()]
      .flat()
      .reduce((most, { take, give }) => Math.max(most, Math.abs(give - take)), 0);
  }

  get none(): boolean {
    return this.found.size === 0;
  }

  /** Those that lead on where the first i code points have become the first j. */
  at(i: number, j: number): readonly Leap[] {
    return this.none ? NONE : (this.found.get(i * this.columns + j) ?? NONE);
  }

  private add(i: number, j: number, leap: Leap): void {
    const here = this.found.get(i * this.columns + j);
    if (here === undefined) this.found.set(i * this.columns + j, [leap]);
    else here.push(leap);
  }

  private findTurned(source: readonly string[], to: readonly string[], j: number): void {
    const end = to.indexOf(POP, j);
    const turned = to.slice(j + 1, end).reverse();
    const run = turned.length;
    if (end < 0 || run < 2 || run > LONGEST_RUN || !turned.every((one) => TURNABLE.test(one))) return;
    for (let i = 0; i + run <= source.length; i++)
      if (turned.every((one, k) => one === source[i + k]))
        this.add(i, j, { take: run, give: run + 2, kind: "reordering" });
  }

  private findWords(
    { characters, words }: Segments,
    to: readonly string[],
    places: ReadonlyMap<string, number[]>,
  ): void {
    for (const { start, end } of words)
      for (const synonym of synonyms(characters.slice(start, end).join(""))) {
        const word = [...synonym];
        for (const j of places.get(word[0]!) ?? [])
          if (word.every((one, k) => one === to[j + k]))
            this.add(start, j, { take: end - start, give: word.length, kind: "word" });
      }
  }
}

/** Where each character stands. */
function placesOf(text: readonly string[]): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (const [j, character] of text.entries()) {
    const known = places.get(character);
    if (known === undefined) places.set(character, [j]);
    else known.push(j);
  }
  return places;
}
