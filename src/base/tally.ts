/** How often each comes up, in the order of their first. */
export function tally<K>(all: Iterable<K>): Map<K, number> {
  const counts = new Map<K, number>();
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1);
  return counts;
}
