import type { Rng } from "../../base/rng.ts";
import { type Limits, replacementKind } from "./align.ts";
import {
  INVISIBLES,
  isPrintable,
  keyNeighbors,
  lookalikes,
  OVERRIDE,
  otherCase,
  POP,
  typedAlphabet,
} from "./characters.ts";
import { applyEdits, compatible, LIMIT_KINDS, type LimitKind, limitOf, type TextEdit } from "./edits.ts";
import { LONGEST_RUN, TURNABLE } from "./leaps.ts";
import { type Segments, type Span, segments } from "./segments.ts";
import { synonyms } from "./synonyms.ts";

/** Draws of a random edit that does not fit beside those before it. */
const DRAWS = 8;

/** All texts that edits within limits make of one. What it makes is what `align` accepts, at the same cost. */
export class EditSpace {
  readonly limits: Limits;
  readonly segments: Segments;
  /** Pieces that a search goes over: the words, or the single characters of a text that has none. */
  readonly targets: readonly Span[];
  /** Of all kinds together. */
  readonly most: number;
  /** The text itself where each code point is one unit of it: that is cut faster than a list. */
  private readonly source: string | readonly string[];

  /** @param parts those of the text, where they are known already */
  constructor(text: string, limits: Limits, parts: Segments = segments(text)) {
    this.limits = limits;
    this.segments = parts;
    const { words, characters, alone } = this.segments;
    this.source = characters.length === text.length ? text : characters;
    const singles = () =>
      characters.flatMap((one, at) => (alone[at] === 1 && one.trim() !== "" ? [{ start: at, end: at + 1 }] : []));
    this.targets = words.length > 0 ? words : singles();
    this.most = LIMIT_KINDS.reduce((sum, kind) => sum + limits[kind], 0);
  }

  /** The text with these edits. */
  text(edits: readonly TextEdit[]): string {
    return applyEdits(this.source, edits);
  }

  /** The text without these targets: how a search asks what depends on them. */
  without(targets: readonly Span[]): string {
    const gaps = targets.map(({ start, end }): TextEdit => ({ start, end, replacement: "", kind: "rewrite" }));
    return applyEdits(this.source, gaps);
  }

  /** Whether one more edit fits beside those made already, within all limits. */
  allows(made: readonly TextEdit[], edit: TextEdit): boolean {
    const kind = limitOf(edit.kind);
    if (kind === null) return false;
    const spent = made.filter((other) => limitOf(other.kind) === kind).length;
    return spent < this.limits[kind] && made.every((other) => compatible(other, edit));
  }

  /** Every single edit that the limits allow, the most promising of each kind first. */
  *all(): Generator<TextEdit> {
    for (const kind of LIMIT_KINDS) if (this.limits[kind] > 0) yield* this.ofKind(kind);
  }

  private *ofKind(kind: LimitKind): Generator<TextEdit> {
    const { characters, boundary, words } = this.segments;
    if (kind === "invisible") {
      for (const replacement of INVISIBLES)
        for (let at = 0; at < boundary.length; at++)
          if (boundary[at] === 1) yield { start: at, end: at, replacement, kind };
    } else if (kind === "homoglyphs")
      for (const [start, character] of characters.entries())
        for (const replacement of lookalikes(character))
          yield { start, end: start + 1, replacement, kind: "homoglyph" };
    else if (kind === "reorderings") yield* this.turns();
    else if (kind === "words") for (const word of words) yield* this.substitutes(word);
    else yield* this.typos();
  }

  private *turns(): Generator<TextEdit> {
    const { characters } = this.segments;
    for (let start = 0; start < characters.length; start++)
      for (let end = start + 2; end <= Math.min(characters.length, start + LONGEST_RUN); end++)
        if (characters.slice(start, end).every((one) => TURNABLE.test(one))) yield this.turn({ start, end });
        else break;
  }

  private turn({ start, end }: Span): TextEdit {
    const turned = this.segments.characters.slice(start, end).reverse().join("");
    return { start, end, replacement: OVERRIDE + turned + POP, kind: "reordering" };
  }

  private *substitutes({ start, end }: Span): Generator<TextEdit> {
    for (const replacement of synonyms(this.segments.characters.slice(start, end).join("")))
      yield { start, end, replacement, kind: "word" };
  }

  private *typos(): Generator<TextEdit> {
    const { characters, boundary, alone } = this.segments;
    const alphabet = [...typedAlphabet(characters)];
    for (let start = 0; start <= characters.length; start++) {
      if (alone[start] === 1) yield* this.swapOrDelete(start);
      for (const replacement of alphabet) {
        if (alone[start] === 1 && replacement !== characters[start])
          yield { start, end: start + 1, replacement, kind: replacementKind(characters[start]!, replacement) };
        if (boundary[start] === 1)
          yield { start, end: start, replacement, kind: replacement === " " ? "space" : "insertion" };
      }
    }
  }

  private *swapOrDelete(start: number): Generator<TextEdit> {
    const { characters, alone } = this.segments;
    const [one, next] = [characters[start]!, characters[start + 1]];
    yield { start, end: start + 1, replacement: "", kind: /^\s$/u.test(one) ? "space" : "deletion" };
    if (alone[start + 1] === 1 && next !== one) yield { start, end: start + 2, replacement: next! + one, kind: "swap" };
  }

  /**
   * At most so many edits inside a target, of all kinds that the limits allow in turn: those that a person would make, or overlook.
   * @param isOne which edits are worth proposing
   */
  proposals(target: Span, rng: Rng, count: number, isOne: (edit: TextEdit) => boolean = () => true): TextEdit[] {
    const lists = LIMIT_KINDS.filter((kind) => this.limits[kind] > 0)
      .map((kind) => this.proposalsOf(kind, target, rng))
      .filter((list) => list.length > 0);
    const chosen: TextEdit[] = [];
    for (let round = 0; chosen.length < count && lists.some((list) => round < list.length); round++)
      for (const list of lists)
        if (round < list.length && chosen.length < count && isOne(list[round]!)) chosen.push(list[round]!);
    return chosen;
  }

  private proposalsOf(kind: LimitKind, target: Span, rng: Rng): TextEdit[] {
    const { characters, boundary, alone } = this.segments;
    const { start, end } = target;
    const positions = Array.from({ length: end - start }, (_, i) => start + i);
    const shuffled = <T>(list: readonly T[]): T[] => rng.shuffle([...list]);
    switch (kind) {
      case "invisible": {
        // Inside a word first: there it takes the word apart.
        const inside = shuffled(positions.filter((at) => at > start && boundary[at] === 1));
        const places = inside.length > 0 ? inside : [start, end].filter((at) => boundary[at] === 1);
        return INVISIBLES.slice(0, 3).flatMap((replacement) =>
          places.map((at): TextEdit => ({ start: at, end: at, replacement, kind: "invisible" })),
        );
      }
      case "homoglyphs":
        return shuffled(positions).flatMap((at) =>
          lookalikes(characters[at]!)
            .slice(0, 1)
            .map((replacement): TextEdit => ({ start: at, end: at + 1, replacement, kind: "homoglyph" })),
        );
      case "reorderings":
        return [...this.turns()]
          .filter((edit) => edit.start >= start && edit.end <= end)
          .sort((a, b) => b.end - b.start - (a.end - a.start))
          .slice(0, 2);
      case "words":
        return shuffled([...this.substitutes(target)]);
      case "characters":
        return shuffled(positions.filter((at) => alone[at] === 1)).flatMap((at) => this.slips(at, target, rng));
    }
  }

  /** What fingers do at one character: hit the key beside it, swap it with the next, leave it out, double it, hit the blank, miss the shift key. */
  private slips(at: number, { start, end }: Span, rng: Rng): TextEdit[] {
    const { characters } = this.segments;
    const one = characters[at]!;
    const keys = keyNeighbors(one);
    const beside = keys.length === 0 ? [] : [keys[rng.integer(keys.length)]!];
    const cased = otherCase(one);
    const slips: TextEdit[] = [
      ...beside.map((replacement) => ({
        start: at,
        end: at + 1,
        replacement,
        kind: replacementKind(one, replacement),
      })),
      ...[...this.swapOrDelete(at)].filter((edit) => edit.end <= end),
      ...(isPrintable(one) ? [{ start: at, end: at, replacement: one, kind: "insertion" as const }] : []),
      ...(at > start ? [{ start: at, end: at, replacement: " ", kind: "space" as const }] : []),
      ...(cased === null ? [] : [{ start: at, end: at + 1, replacement: cased, kind: "case" as const }]),
    ];
    return rng.shuffle(slips);
  }

  /** So many edits as the limits allow, at random places. */
  random(rng: Rng): TextEdit[] {
    const made: TextEdit[] = [];
    for (const kind of LIMIT_KINDS)
      for (let draw = 0, left = this.limits[kind]; left > 0 && draw < DRAWS * this.limits[kind]; draw++) {
        if (this.targets.length === 0) break;
        const target = this.targets[rng.integer(this.targets.length)]!;
        const edit = this.proposalsOf(kind, target, rng)[0];
        if (edit === undefined || !this.allows(made, edit)) continue;
        made.push(edit);
        left--;
      }
    return made;
  }
}
