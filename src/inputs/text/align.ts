/**
 * How one text became another: the fewest edits, found by dynamic programming over the code points of both, whoever made them. State (i, j): the first i
 * code points of `from` have become the first j of `to`. Each kind of edit is counted by itself, so a state keeps every way that no other beats in all counts.
 */
import { isInvisible, keyNeighbors, lookalikes, otherCase, typedAlphabet } from "./characters.ts";
import { type EditKind, LIMIT_KINDS, type LimitKind, limitOf, type TextEdit } from "./edits.ts";
import { EditsLeft, type Reach } from "./edits-left.ts";
import { Leaps } from "./leaps.ts";
import type { Segments } from "./segments.ts";

/** How many edits of each kind may be made. */
export type Limits = Readonly<Record<LimitKind, number>>;

export type Counts = Record<LimitKind, number>;

export interface Alignment {
  /** In the order of the text. */
  readonly edits: readonly TextEdit[];
  readonly counts: Counts;
  readonly total: number;
}

export interface AlignOptions {
  readonly limits: Limits;
  /** Of all kinds together. */
  readonly most?: number;
  /** Any character may be inserted or replaced, anywhere; of the ways to a state only the shortest is kept. */
  readonly free?: boolean;
}

/** A way to a state. `edit` is the last one that was made on it, or null where the last characters were the same. */
interface Way {
  readonly counts: readonly number[];
  readonly total: number;
  readonly before: Way | null;
  readonly edit: TextEdit | null;
}

/** The edits that turn `from` into `to` within the limits, with the fewest in all; null if there are none. */
export function align(from: Segments, to: readonly string[], options: AlignOptions): Alignment | null {
  const { limits, most = Infinity, free = false } = options;
  const source = from.characters;
  const allowed = LIMIT_KINDS.map((kind) => limits[kind]);
  const enough = Math.min(
    most,
    allowed.reduce((sum, limit) => sum + limit, 0),
  );
  const moves = new Moves(from, to, limits, free);
  const left = new EditsLeft(source, to, moves.reach(enough));
  const fewest = left.at(0, 0);
  // Mostly the first try is the last one: kinds and places forbid few of the ways that are counted.
  for (let tried = fewest; tried <= enough; tried = Math.min(2 * tried - fewest + 1, enough)) {
    const found = waysWithin(tried, source.length, to.length, { moves, allowed, left, free });
    if (found !== null || tried === enough) return found;
  }
  return null;
}

interface Search {
  readonly moves: Moves;
  readonly allowed: readonly number[];
  readonly left: EditsLeft;
  readonly free: boolean;
}

/** The fewest edits, if they are no more than `most` in all, from texts of these lengths. */
function waysWithin(
  most: number,
  length: number,
  toLength: number,
  { moves, allowed, left, free }: Search,
): Alignment | null {
  const rows: (Map<number, Way[]> | undefined)[] = [];
  rows[0] = new Map([[0, [{ counts: [0, 0, 0, 0, 0], total: 0, before: null, edit: null }]]]);
  for (let i = 0; i <= length; i++) {
    const row = rows[i];
    if (row === undefined) continue;
    // Insertions lead further along the same row: states are taken in the order of j, new ones among them.
    for (let j = Math.min(...row.keys()), seen = 0; seen < row.size; j++) {
      const ways = row.get(j);
      if (ways === undefined) continue;
      seen++;
      const spare = most - Math.min(...ways.map(({ total }) => total));
      for (const { take, give, kind } of spare > left.afterEdit(i, j) ? moves.from(i, j) : moves.same(i, j)) {
        const [ni, nj] = [i + take, j + give];
        const room = most - left.at(ni, nj);
        const limit = kind === null ? -1 : LIMIT_KINDS.indexOf(limitOf(kind)!);
        const spent = limit < 0 ? 0 : 1;
        for (const way of ways) {
          if (way.total + spent > room || (spent === 1 && way.counts[limit]! + 1 > allowed[limit]!)) continue;
          rows[ni] ??= new Map();
          const known = rows[ni]!.get(nj) ?? [];
          if (free && known.some(({ total }) => total <= way.total + spent)) continue;
          const counts = spent === 0 ? way.counts : way.counts.map((count, at) => (at === limit ? count + 1 : count));
          const edit = kind === null ? null : { start: i, end: ni, replacement: moves.given(j, nj), kind };
          rows[ni]!.set(nj, kept(known, { counts, total: way.total + spent, before: way, edit }));
        }
      }
    }
    // What no way leads to any more is given up.
    if (i < length) rows[i] = undefined;
  }
  const best = rows[length]?.get(toLength)?.reduce((a, b) => (b.total < a.total ? b : a));
  return best === undefined ? null : alignmentOf(best);
}

/** The ways to a state, with one more unless another is at least as short in every count; without those that it makes needless. */
function kept(known: readonly Way[], way: Way): Way[] {
  const beats = (a: Way, b: Way) => a.counts.every((count, at) => count <= b.counts[at]!);
  if (known.some((other) => beats(other, way))) return [...known];
  return [...known.filter((other) => !beats(way, other)), way];
}

function alignmentOf(last: Way): Alignment {
  const edits: TextEdit[] = [];
  for (let way: Way | null = last; way !== null; way = way.before) if (way.edit !== null) edits.unshift(way.edit);
  const counts = Object.fromEntries(LIMIT_KINDS.map((kind, at) => [kind, last.counts[at]!])) as Counts;
  return { edits, counts, total: last.total };
}

/** From a state, so many code points of `from` become so many of `to`; `kind` null: they are the same. */
interface Move {
  readonly take: number;
  readonly give: number;
  readonly kind: EditKind | null;
}

const NONE: readonly Move[] = [];
const SAME: readonly Move[] = [{ take: 1, give: 1, kind: null }];

class Moves {
  private readonly source: Segments;
  private readonly to: readonly string[];
  private readonly limits: Limits;
  private readonly free: boolean;
  private typed: ReadonlySet<string> | null = null;
  private readonly leaps: Leaps;

  constructor(from: Segments, to: readonly string[], limits: Limits, free: boolean) {
    this.source = from;
    this.to = to;
    this.limits = limits;
    this.free = free;
    this.leaps = new Leaps(from, to, { words: limits.words > 0, reorderings: limits.reorderings > 0 });
  }

  /** How far so many edits lead. */
  reach(edits: number): Reach {
    const { invisible, homoglyphs, reorderings, characters, words } = this.limits;
    const leapt = this.leaps.longest * Math.min(edits, reorderings + words);
    return {
      replace: homoglyphs + characters > 0,
      insert: invisible + characters > 0,
      drop: characters > 0,
      leaps: this.leaps,
      longer: Math.min(edits, invisible + characters) + leapt,
      shorter: Math.min(edits, characters) + leapt,
    };
  }

  /** Code points [from, end) of the new text. */
  given(from: number, end: number): string {
    return this.to.slice(from, end).join("");
  }

  /** What no edit is. */
  same(i: number, j: number): readonly Move[] {
    const a = this.source.characters[i];
    return a !== undefined && a === this.to[j] ? SAME : NONE;
  }

  /** The same characters first, then what is least seen: of equally short ways the first is kept. */
  *from(i: number, j: number): Generator<Move> {
    const { boundary } = this.source;
    const { invisible, homoglyphs, characters } = this.limits;
    const a = this.source.characters[i];
    const b = this.to[j];
    yield* this.same(i, j);
    if (b !== undefined && invisible > 0 && isInvisible(b) && (this.free || boundary[i] === 1))
      yield { take: 0, give: 1, kind: "invisible" };
    if (a !== undefined && b !== undefined && homoglyphs > 0 && lookalikes(a).includes(b))
      yield { take: 1, give: 1, kind: "homoglyph" };
    yield* this.leaps.at(i, j);
    if (characters > 0) yield* this.typos(i, j);
  }

  private canBeTyped(character: string): boolean {
    this.typed ??= typedAlphabet(this.source.characters);
    return this.typed.has(character);
  }

  private *typos(i: number, j: number): Generator<Move> {
    const { characters, boundary, alone } = this.source;
    const a = characters[i];
    const b = this.to[j];
    const next = characters[i + 1];
    const isAlone = (at: number) => this.free || alone[at] === 1;
    if (a !== undefined && next !== undefined && a !== next && b === next && this.to[j + 1] === a)
      if (isAlone(i) && isAlone(i + 1)) yield { take: 2, give: 2, kind: "swap" };
    const typed = b !== undefined && (this.free || this.canBeTyped(b));
    if (a !== undefined && typed && a !== b && isAlone(i)) yield { take: 1, give: 1, kind: replacementKind(a, b) };
    if (a !== undefined && isAlone(i)) yield { take: 1, give: 0, kind: isSpace(a) ? "space" : "deletion" };
    if (typed && (this.free || boundary[i] === 1)) yield { take: 0, give: 1, kind: isSpace(b) ? "space" : "insertion" };
  }
}

function isSpace(character: string): boolean {
  return /^\s$/u.test(character);
}

/** What it is that one character was replaced by another. */
export function replacementKind(from: string, to: string): EditKind {
  if (otherCase(from) === to) return "case";
  return keyNeighbors(from).includes(to) ? "typo" : "replacement";
}

const ANY: Limits = { invisible: 1e9, homoglyphs: 1e9, reorderings: 1e9, characters: 1e9, words: 1e9 };
/** Texts that differ in more edits are told as one rewritten piece. */
const MOST_TOLD = 32;

/** The edits between any two texts, for a reader: the fewest, or one rewrite of all between the first and the last difference. */
export function editsBetween(from: Segments, to: readonly string[]): Alignment {
  for (const most of [2, 8, MOST_TOLD]) {
    const found = align(from, to, { limits: ANY, most, free: true });
    if (found !== null) return found;
  }
  const { characters } = from;
  const shorter = Math.min(characters.length, to.length);
  let head = 0;
  while (head < shorter && characters[head] === to[head]) head++;
  let tail = 0;
  while (tail < shorter - head && characters.at(-1 - tail) === to.at(-1 - tail)) tail++;
  const edit: TextEdit = {
    start: head,
    end: characters.length - tail,
    replacement: to.slice(head, to.length - tail).join(""),
    kind: "rewrite",
  };
  const counts = Object.fromEntries(LIMIT_KINDS.map((kind) => [kind, 0])) as Counts;
  return { edits: [edit], counts, total: 1 };
}
