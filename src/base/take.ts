/** The first so many: what would come after them is not asked for. */
export function take<T>(all: Iterable<T>, most: number): T[] {
  const taken: T[] = [];
  if (most > 0)
    for (const one of all) {
      taken.push(one);
      if (taken.length === most) break;
    }
  return taken;
}
