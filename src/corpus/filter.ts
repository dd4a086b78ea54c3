import { BlindspotError } from "../base/errors.ts";
import type { Entry, Trust } from "./entry.ts";
import type { Kind } from "./schema.ts";

/** Which samples are meant; what is left out stands for any. */
export interface Filter {
  readonly kind?: Kind;
  /** True class and the class that it is taken for; null: any. */
  readonly pair?: { readonly label: string | null; readonly predicted: string | null };
  /** Threat ids, or their beginnings: `linf`, `linf:8/255`. */
  readonly threats?: readonly string[];
  readonly group?: string;
  readonly trust?: Trust;
}

/** Reads `stop:yield`, `stop:*`, `*:yield`. Class names may hold colons: the first way to split that names known classes counts. */
export function parsePair(text: string, classes: ReadonlySet<string>): NonNullable<Filter["pair"]> {
  const known = (name: string) => name === "*" || classes.has(name);
  for (let colon = text.indexOf(":"); colon >= 0; colon = text.indexOf(":", colon + 1)) {
    const [label, predicted] = [text.slice(0, colon), text.slice(colon + 1)];
    if (!known(label) || !known(predicted)) continue;
    return { label: label === "*" ? null : label, predicted: predicted === "*" ? null : predicted };
  }
  const names = [...classes].sort();
  throw new BlindspotError({
    code: "E_CORPUS_PAIR",
    subject: `--pair ${text}`,
    expected: "TRUE:PREDICTED, * for any, of classes that the corpus holds",
    got: `no such classes; it holds ${names.slice(0, 20).join(", ")}${names.length > 20 ? ", ..." : ""}`,
  });
}

/** All classes that samples are, or are taken for. */
export function classesIn(entries: readonly Entry[]): Set<string> {
  return new Set(
    entries.flatMap(({ label, predicted, found }) =>
      [label, predicted, ...found.map((one) => one.predicted)].flatMap((one) => (one === null ? [] : [one.name])),
    ),
  );
}

/** Forgotten samples are listed only where they are asked for. */
export function matches(entry: Entry, { kind, pair, threats, group, trust }: Filter): boolean {
  if (trust === undefined ? entry.trust === "forgotten" : entry.trust !== trust) return false;
  if (kind !== undefined && !entry.kinds.includes(kind)) return false;
  if (group !== undefined && !entry.groups.includes(group)) return false;
  if (pair != null && pair.label !== null && entry.label?.name !== pair.label) return false;
  if (pair != null && pair.predicted !== null && !entry.found.some((one) => one.predicted.name === pair.predicted))
    return false;
  return threats === undefined || threatsOf(entry).some((id) => threats.some((asked) => isThreat(id, asked)));
}

export function threatsOf({ found }: Entry): string[] {
  return [...new Set(found.flatMap(({ threat }) => (threat === undefined ? [] : [threat])))];
}

/** `linf:8/255;uint8;untargeted` is a `linf`, a `linf:8/255`, and itself. */
function isThreat(id: string, asked: string): boolean {
  return id === asked || id.startsWith(`${asked};`) || id.startsWith(`${asked}:`);
}
