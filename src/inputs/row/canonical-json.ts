import type { FieldValue } from "../field.ts";

/**
 * The one way to write a row as JSON (RFC 8785): names sorted by UTF-16 code units, no spaces, numbers and texts as ECMAScript writes them, which is
 * what the RFC asks for. NaN and infinities, and texts with half of a surrogate pair, have no canonical form and throw.
 */
export function canonicalJson(record: Readonly<Record<string, FieldValue>>): string {
  const members = Object.keys(record)
    .sort((a, b) => (a < b ? -1 : 1))
    .map((name) => `${text(name)}:${typeof record[name] === "string" ? text(record[name]) : plain(record[name]!)}`);
  return `{${members.join(",")}}`;
}

function text(value: string): string {
  if (/\p{Surrogate}/u.test(value)) throw new TypeError(`not well-formed Unicode: ${JSON.stringify(value)}`);
  return JSON.stringify(value);
}

function plain(value: FieldValue): string {
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`not a JSON number: ${value}`);
  return JSON.stringify(value);
}
