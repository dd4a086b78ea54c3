import type { FieldValue } from "../field.ts";
import { type ColumnBox, type FieldSpace, fieldSpace } from "./field-space.ts";
import type { Relation } from "./relation.ts";
import type { RowSchema } from "./schema.ts";

/** A row as the level of each field: see `FieldSpace`. */
export type Levels = Int32Array;

/** Rounds in which fields that follow from others are computed: a chain of as many is settled. */
const MOST_ROUNDS = 8;

/**
 * All rows that a schema allows, and the way between them and points of attack space (one coordinate in 0..1 for each number that the model
 * takes). What is legal, what may change and what follows from what is decided here alone; threats, attacks and codec ask.
 */
export class RowSpace {
  readonly schema: RowSchema;
  readonly fields: readonly FieldSpace[];
  /** Bounds of each number that the model takes. */
  readonly boxes: readonly ColumnBox[];
  /** Position of each field's first number. */
  readonly starts: readonly number[];

  constructor(schema: RowSchema) {
    this.schema = schema;
    this.fields = schema.fields.map(fieldSpace);
    this.boxes = this.fields.flatMap((field) => field.boxes);
    let next = 0;
    this.starts = this.fields.map((field) => {
      next += field.boxes.length;
      return next - field.boxes.length;
    });
  }

  /** For each field the columns of a data file that hold it: its own name, or those of a one-hot group. */
  get columns(): readonly (readonly string[])[] {
    return this.schema.fields.map((field) => (field.type === "category" && field.columns) || [field.name]);
  }

  /** Numbers that the model takes. */
  get size(): number {
    return this.boxes.length;
  }

  point(levels: Levels): Float32Array {
    const point = new Float32Array(this.size);
    for (const [f, field] of this.fields.entries()) field.write(levels[f]!, point, this.starts[f]!);
    return point;
  }

  /** The nearest legal value of each field; where the point is NaN, that of `fallback` (default: the first). */
  levels(point: Float32Array, fallback?: Levels): Levels {
    return Int32Array.from(this.fields, (field, f) => field.read(point, this.starts[f]!) ?? fallback?.[f] ?? 0);
  }

  /** The values as a user submits them. */
  values(levels: Levels): FieldValue[] {
    return this.fields.map((field, f) => field.value(levels[f]!));
  }

  /** The values as relations see them. */
  relationValues(levels: Levels): (number | string)[] {
    return this.values(levels).map((value) => (typeof value === "boolean" ? Number(value) : value));
  }

  /** By name. */
  record(levels: Levels): Record<string, FieldValue> {
    const values = this.values(levels);
    return Object.fromEntries(this.fields.map(({ name }, f) => [name, values[f]!]));
  }

  /** The first relation that the row breaks, as written; null if all hold. */
  broken(levels: Levels): string | null {
    return this.brokenRelation(levels)?.text ?? null;
  }

  brokenRelation(levels: Levels): Relation | null {
    if (this.schema.relations.length === 0) return null;
    const row = this.relationValues(levels);
    return this.schema.relations.find((relation) => !relation.holds(row)) ?? null;
  }

  keeps(levels: Levels, relation: Relation): boolean {
    return relation.holds(this.relationValues(levels));
  }

  /** Whether a field that is at `clean` may be brought to `level`. */
  mayBe(field: number, level: number, clean: number): boolean {
    if (level === clean) return true;
    const { change } = this.fields[field]!;
    return change === "any" || (change === "increase" ? level > clean : change === "decrease" && level < clean);
  }

  /** First and last level that a field may be brought to from `clean`. */
  reach(field: number, clean: number): readonly [number, number] {
    const { change, levels } = this.fields[field]!;
    return [
      change === "none" || change === "increase" ? clean : 0,
      change === "none" || change === "decrease" ? clean : levels - 1,
    ];
  }

  /**
   * Levels other than `clean` that the field may be brought to: all, nearest first, or, where there are more than `most`, so many spread evenly over the reach, its ends
   * among them. For ordered fields nearest is by level, and `within` may say how far they reach.
   */
  options(field: number, clean: number, most: number, within?: readonly [number, number]): Int32Array {
    const [first, last] = within ?? this.reach(field, clean);
    const all = last - first;
    const places = all <= most ? all + 1 : most;
    const spread = Int32Array.from({ length: places }, (_, i) =>
      places === 1 ? last : Math.round(first + (i * (last - first)) / (places - 1)),
    ).filter((level) => level !== clean);
    return this.fields[field]!.ordered
      ? spread.sort((a, b) => Math.abs(a - clean) - Math.abs(b - clean) || a - b)
      : spread;
  }

  /** How far a field moves, 0..1: the share of its range, or 1 for another category. */
  shift(field: number, from: number, to: number): number {
    if (from === to) return 0;
    const { ordered, levels } = this.fields[field]!;
    return ordered ? Math.abs(to - from) / (levels - 1) : 1;
  }

  /** What a change costs: for each changed field its cost, times how far it moves. */
  cost(levels: Levels, clean: Levels): number {
    let total = 0;
    for (const [f, field] of this.fields.entries()) total += field.cost * this.shift(f, clean[f]!, levels[f]!);
    return total;
  }

  changed(levels: Levels, clean: Levels): number[] {
    return [...this.fields.keys()].filter((f) => levels[f] !== clean[f]);
  }

  /**
   * Computes fields that follow from others (`total == sum(a, b)`) where their relation is broken, in place. Only fields that may change are
   * written, and only legal values: the relation may still be broken afterwards.
   */
  derive(levels: Levels, clean: Levels): Levels {
    const following = this.schema.relations.filter(({ derived }) => derived !== null);
    for (let round = 0; round < MOST_ROUNDS; round++) {
      let wrote = false;
      for (const relation of following) {
        const row = this.relationValues(levels);
        if (relation.holds(row)) continue;
        const { field, value } = relation.derived!;
        const level = this.fields[field]!.parse(String(Number(value(row).toPrecision(12))));
        if (level === null || level === levels[field] || !this.mayBe(field, level, clean[field]!)) continue;
        levels[field] = level;
        wrote = true;
      }
      if (!wrote) break;
    }
    return levels;
  }
}
