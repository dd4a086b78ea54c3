/** The value with the keys of every object sorted (by UTF-16 code units, as RFC 8785 asks) and undefined members left out. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, sorted(member)]));
}

/** One text per value: RFC 8785 but for the line breaks, which are there for people who review a change. */
export function canonicalText(value: unknown): string {
  return `${JSON.stringify(sorted(value), null, 1)}\n`;
}
