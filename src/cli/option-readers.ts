import type { Knowledge } from "../attacks/attack.ts";
import type { SampleCount } from "../data/draw.ts";
import type { Ranges } from "./ranges.ts";

/** One option: how it is typed, what it means, how its text is read. `read` throws an Error that says what was expected. */
export interface OptionSpec<T> {
  readonly flags: string;
  readonly description: string;
  read(text: string): T;
  /** May be given several times; `read` makes one entry of each. */
  readonly repeatable?: true;
  /** Takes no value. */
  readonly flag?: true;
}

/** What a reader throws: what it expected. */
export class Expected extends Error {}

export function fail(expected: string): never {
  throw new Expected(expected);
}

export function option<T>(flags: string, description: string, read: (text: string) => T): OptionSpec<T> {
  return { flags, description, read };
}

export function repeated<T>(
  flags: string,
  description: string,
  read: (text: string) => T,
): OptionSpec<T> & { repeatable: true } {
  return { flags, description, read, repeatable: true };
}

export function flag(flags: string, description: string): OptionSpec<boolean> & { flag: true } {
  return {
    flags,
    description,
    read: (value) => (value === "true" ? true : value === "false" ? false : fail("true or false")),
    flag: true,
  };
}

export const text = (value: string) => (value.trim() === "" ? fail("some text") : value);
/** A day of the calendar. */
export const day = (value: string) => {
  const time = /^\d{4}-\d\d-\d\d$/.test(value) ? Date.parse(`${value}T00:00:00Z`) : Number.NaN;
  // The 30th of February is read as a day of March.
  const isDay = !Number.isNaN(time) && new Date(time).toISOString().startsWith(value);
  return isDay ? value : fail("a day, such as 2027-01-31");
};
export const names = (value: string) =>
  text(value)
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

export function number(value: string): number {
  const [numerator = Number.NaN, denominator = 1, ...rest] = value
    .split("/")
    .map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  const result = numerator / denominator;
  return rest.length === 0 && Number.isFinite(result) ? result : fail("a number, such as 0.5 or 1/2");
}

export function wholeFrom(least: number): (value: string) => number {
  return (value) => {
    const result = /^\d+$/.test(value.trim()) ? Number(value) : Number.NaN;
    return Number.isSafeInteger(result) && result >= least ? result : fail(`a whole number from ${least}`);
  };
}

export function choice<const T extends string>(...values: readonly T[]): (value: string) => T {
  return (value) => values.find((known) => known === value) ?? fail(values.join(" or "));
}

export function numbers(value: string): number | readonly number[] {
  const list = value.split(",").map(number);
  return list.length === 1 ? list[0]! : list;
}

export function ranges(value: string): Ranges {
  const boxes = value.split(",").map((box) => {
    const ends = box.split("..").map(number);
    // One feature of several may be constant.
    const fits = ends.length === 2 && (ends[0]! < ends[1]! || (ends[0] === ends[1] && value.includes(",")));
    return fits ? ([ends[0]!, ends[1]!] as const) : fail("LO..HI, such as 0..255, or one for each feature: 0..1,0..80");
  });
  return boxes.length === 1 ? boxes[0]! : boxes;
}

export function samples(value: string): SampleCount {
  if (value === "all") return value;
  const first = /^first:([1-9]\d*)$/.exec(value);
  if (first !== null) return `first:${Number(first[1])}`;
  const listed = /^index:(0|[1-9]\d*)(,(0|[1-9]\d*))*$/.test(value);
  if (listed) return value as `index:${string}`;
  return /^[1-9]\d*$/.test(value) ? Number(value) : fail("a number from 1, all, first:N, or index:17,18");
}

/** `1,3,224,224`, or `input=1,3,224,224`. */
export function shape(value: string): readonly number[] {
  const dims = value
    .slice(value.indexOf("=") + 1)
    .split(",")
    .map(Number);
  return dims.every((dim) => Number.isInteger(dim) && dim > 0) ? dims : fail("sizes, such as input=1,3,224,224");
}

const knowledge = choice("white-box", "score", "label", "transfer");
export const knowledges = (value: string): Knowledge[] => names(value).map(knowledge);
export const share = (value: string) => {
  const result = number(value);
  return result >= 0 && result <= 1 ? result : fail("a number from 0 to 1");
};
export const positive = (value: string) => {
  const result = number(value);
  return result > 0 ? result : fail("a number above 0");
};
export const seconds = (value: string) => {
  const result = number(value);
  return result > 0 ? result : fail("seconds, above 0");
};
