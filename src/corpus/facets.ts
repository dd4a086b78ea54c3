import type { Entry } from "./entry.ts";
import { threatsOf } from "./filter.ts";
import type { FoundEvent } from "./schema.ts";

/** Families of boundary cells: what a corpus may cover. A cell is one value of one family. */
export const CELL_FAMILIES = ["class pair", "attack", "class pair and size", "region", "field", "edit"] as const;
export type CellFamily = (typeof CELL_FAMILIES)[number];

/** What samples are counted and found by. */
export type FacetName =
  | "trust"
  | "kind"
  | "label"
  | "predicted"
  | "pair"
  | "threat"
  | "attack"
  | "model"
  | "first model"
  | "group"
  | CellFamily;

export interface Facet {
  readonly name: FacetName;
  readonly value: string;
}

/** How many samples are of each name, largest first. A sample may count under several. */
export type Counts = readonly { readonly name: string; readonly samples: number }[];

/** Every facet of a sample, each once. Of a forgotten one its state is all that is told. */
export function facetsOf(entry: Entry): Facet[] {
  const { trust, kinds, label, found, groups } = entry;
  const facets: Facet[] = [{ name: "trust", value: trust }];
  if (trust === "forgotten") return facets;
  const add = (name: FacetName, values: Iterable<string>) => {
    for (const value of new Set(values)) facets.push({ name, value });
  };
  add("kind", kinds);
  if (label !== null) add("label", [label.name]);
  add(
    "predicted",
    found.map(({ predicted }) => predicted.name),
  );
  const pairs = found.map(({ predicted }) => `${label?.name} as ${predicted.name}`);
  add("pair", pairs);
  add("threat", threatsOf(entry));
  const attacks = found.flatMap(({ attack, corruption }) => [attack, corruption].flatMap((how) => how?.name ?? []));
  add("attack", attacks);
  add(
    "model",
    found.map(({ model }) => model),
  );
  add("first model", found.length === 0 ? [] : [found[0]!.model]);
  add("group", groups);
  // Only what stands covers anything.
  if (trust !== "trusted") return facets;
  add("class pair", pairs);
  add(
    "class pair and size",
    found.flatMap((event) => {
      const size = sizeBucket(event);
      return size === null ? [] : [`${label?.name} as ${event.predicted.name}, ${size}`];
    }),
  );
  add(
    "region",
    found.flatMap(({ where }) => (where?.region === undefined ? [] : [where.region])),
  );
  add(
    "field",
    found.flatMap(({ where }) => where?.fields ?? []),
  );
  add(
    "edit",
    found.flatMap(({ where }) => where?.edits ?? []),
  );
  return facets;
}

/** Sizes double from one bucket to the next: `up to 4 levels`, `up to 0.5`, `up to 16 pixels`; null where no size is known. */
function sizeBucket({ threat, distance }: FoundEvent): string | null {
  if (distance === undefined) return null;
  const { l0, l0Pixels, fields, words, l2, linf } = distance;
  const power = (value: number) => 2 ** Math.ceil(Math.log2(Math.max(value, 1e-9)) - 1e-6);
  if (words !== undefined) return `up to ${power(words)} words`;
  if (fields !== undefined) return `up to ${power(fields)} fields`;
  const norm = threat?.slice(0, threat.indexOf(":"));
  if (norm === "l0") return `up to ${power(l0Pixels ?? l0)} ${l0Pixels === undefined ? "values" : "pixels"}`;
  return norm === "l2" ? `L2 up to ${power(l2)}` : `Linf up to ${power(255 * linf)}/255`;
}
