import { dataError } from "./problems.ts";

/** `kind:path?key=value&key=value`, taken apart. */
export interface DataSpec {
  readonly text: string;
  readonly kind: string;
  readonly path: string;
  readonly query: ReadonlyMap<string, string>;
}

const TABLE = ["label", "group", "header", "text", "quote", "missing", "trim"];

/** The query keys that each kind of source takes. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  folder: [],
  idx: [],
  npz: ["layout", "x", "y"],
  records: ["shape", "layout", "label"],
  csv: TABLE,
  tsv: TABLE,
  jsonl: ["text", "label", "group"],
  libsvm: ["features", "first"],
};

/** Throws for an unknown kind, an unknown key, or a missing path. A path may hold colons, and commas where only one file is named. */
export function parseDataSpec(text: string): DataSpec {
  const colon = text.indexOf(":");
  const kind = colon < 0 ? text : text.slice(0, colon);
  const hint = `Give ${Object.keys(KINDS).join(":, ")}: and a path, like folder:DIR, csv:FILE?label=COLUMN or tsv:FILE?text=COLUMN&label=COLUMN`;
  const keys = KINDS[kind];
  if (keys === undefined || colon < 0)
    throw dataError("--data", { code: "E_DATA_SPEC", expected: "KIND:PATH", got: text, hint });
  const rest = text.slice(colon + 1);
  const mark = keys.length === 0 ? -1 : rest.indexOf("?");
  const path = mark < 0 ? rest : rest.slice(0, mark);
  if (path === "") throw dataError("--data", { code: "E_DATA_SPEC", expected: "a path", got: text, hint });
  const query = new Map(mark < 0 ? [] : new URLSearchParams(rest.slice(mark + 1)));
  const unknown = [...query.keys()].filter((key) => !keys.includes(key));
  if (unknown.length > 0)
    throw dataError("--data", {
      code: "E_DATA_SPEC",
      expected: `of ${kind} only ${keys.join(", ")}`,
      got: unknown.join(", "),
    });
  return { text, kind, path, query };
}

/** A query value out of a fixed set. */
export function choice<T extends string>(spec: DataSpec, key: string, values: readonly T[], fallback: T): T {
  const given = spec.query.get(key) ?? fallback;
  const found = values.find((value) => value === given);
  if (found === undefined)
    throw dataError("--data", { code: "E_DATA_SPEC", where: key, expected: values.join(" or "), got: given });
  return found;
}
