import { BlindspotError, type Problem } from "../../base/errors.ts";
import { type HttpTarget, requestJson, shownUrl } from "./http-request.ts";
import { type JsonPath, parsePath, readPath } from "./json-path.ts";
import { type Batch, jsonRows, type RawAnswer, type Transport } from "./transport.ts";

/** What a template may hold where one row belongs. `$inputs` and `$records` are short for a list of them. */
const PLACES = ["$input", "$record", "$image"] as const;
type Place = (typeof PLACES)[number];
const LISTS: Readonly<Record<string, Place>> = { $inputs: "$input", $records: "$record" };
/** `{ "$each": TEMPLATE }`: a list, with the template filled in for each row of the request. */
const EACH = "$each";

/** How any JSON endpoint is asked: the request with places for rows, and where in the answer its scores or its label lie. */
export interface JsonTemplate {
  /** With lists written as `$each`. */
  readonly request: unknown;
  readonly place: Place;
  /** Whether a request holds several rows. */
  readonly several: boolean;
  readonly scores: JsonPath | null;
  readonly label: JsonPath | null;
  readonly classes: readonly string[] | null;
}

/** What a row can be besides numbers or a text; null where the data has no such form. Points are of attack space. */
export interface RowForms {
  /** As the user would submit it, by the names of its fields. */
  readonly record: ((point: Float32Array) => Readonly<Record<string, unknown>>) | null;
  /** A PNG file, in base64. */
  readonly image: ((point: Float32Array) => Promise<string>) | null;
}

/** Numbers or texts alone. */
export const PLAIN_ROWS: RowForms = { record: null, image: null };

const MISSING: Readonly<Record<Place, string>> = {
  $input: "",
  $record: "$input or $inputs: the data has no names for its values",
  $image: "$input or $inputs: the data holds no 8-bit images, gray or RGB",
};

const KEYS = ["request", "scores", "label", "classes"];

/**
 * Reads `{ "request": ..., "scores": "$.path", "label": "$.path", "classes": [...] }`. All that is wrong with it is reported at once (`E_ADAPTER`,
 * `E_PATH`).
 */
export function parseTemplate(value: unknown, file: string, forms: RowForms): JsonTemplate {
  const problems: Problem[] = [];
  const add = (where: string, expected: string, got?: string) =>
    problems.push({ code: "E_ADAPTER", subject: file, where, expected, ...(got === undefined ? {} : { got }) });
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const template = (isObject ? value : {}) as Record<string, unknown>;
  for (const key of Object.keys(template)) if (!KEYS.includes(key)) add(key, `one of ${KEYS.join(", ")}`);
  const request = withLists(template["request"]);
  const places = placesIn(request);
  if (places.length !== 1) {
    const all = [...PLACES, ...Object.keys(LISTS)].join(", ");
    add("request", `one of ${all}, once`, places.map(({ place }) => place).join(", ") || "none");
  }
  const [{ place, depth } = { place: PLACES[0], depth: 0 }] = places;
  if ((place === "$record" && forms.record === null) || (place === "$image" && forms.image === null))
    add("request", MISSING[place], place);
  if (depth > 1) add("request", `one ${EACH}`, `${depth}, one in the other`);
  const path = (key: "scores" | "label"): JsonPath | null => {
    const text = template[key];
    if (text === undefined) return null;
    if (typeof text !== "string") {
      add(key, "a path, such as $.scores");
      return null;
    }
    try {
      return parsePath(text, `${file}, ${key}`);
    } catch (error) {
      problems.push(...(error as BlindspotError).problems);
      return null;
    }
  };
  const scores = path("scores");
  const label = path("label");
  if (template["scores"] === undefined && template["label"] === undefined) add("scores, label", "one of the two");
  const classes = template["classes"];
  const listed = Array.isArray(classes) && classes.every((name) => typeof name === "string");
  if (classes !== undefined && !listed) add("classes", "a list of names");
  if (problems.length > 0) throw new BlindspotError(problems);
  return {
    request,
    place,
    several: depth > 0,
    scores,
    label,
    classes: listed ? (classes as string[]) : null,
  };
}

/** `"$inputs"` as `{ "$each": "$input" }`. */
function withLists(value: unknown): unknown {
  if (typeof value === "string") return Object.hasOwn(LISTS, value) ? { [EACH]: LISTS[value] } : value;
  return mapValues(value, withLists);
}

function mapValues(value: unknown, change: (part: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(change);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, change(part)]));
}

function isEach(value: unknown): value is { readonly $each: unknown } {
  return typeof value === "object" && value !== null && Object.keys(value).join() === EACH;
}

/** Places of rows, and in how many lists each stands. An image may stand inside a longer text: a data URI. */
function placesIn(value: unknown, depth = 0): { readonly place: Place; readonly depth: number }[] {
  if (typeof value === "string")
    return PLACES.filter((place) => value === place || (place === "$image" && value.includes(place))).map((place) => ({
      place,
      depth,
    }));
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap((part) => placesIn(part, depth + (isEach(value) ? 1 : 0)));
}

export function jsonTransport(target: HttpTarget, template: JsonTemplate, forms: RowForms): Transport {
  return {
    kind: "http",
    name: shownUrl(target.url),
    ask: async (batch, signal) => {
      const rows = await rowsOf(batch, template.place, forms);
      const raw = read(template, await requestJson(target, signal, fill(template.request, rows)));
      return template.several ? raw : single(raw);
    },
    close: () => Promise.resolve(),
  };
}

/** Scores where there are any, else the label. */
function read({ scores, label }: JsonTemplate, answer: unknown): RawAnswer {
  const found = scores === null ? undefined : readPath(answer, scores);
  if (found !== undefined) return { scores: found };
  return { labels: label === null ? undefined : readPath(answer, label) };
}

/** The answer to one row, as a list of one. */
function single({ scores, labels }: RawAnswer): RawAnswer {
  if (scores !== undefined) return { scores: [scores] };
  return { labels: labels === undefined ? undefined : [labels] };
}

async function rowsOf(batch: Batch, place: Place, { record, image }: RowForms): Promise<readonly unknown[]> {
  if (place === "$record") return batch.points.map(record!);
  return place === "$image" ? Promise.all(batch.points.map(image!)) : jsonRows(batch);
}

/** The request: the first of the rows at its place, or each of them where a list of them belongs. */
function fill(template: unknown, rows: readonly unknown[]): unknown {
  if (isEach(template)) return rows.map((row) => fill(template[EACH], [row]));
  if (PLACES.some((place) => place === template)) return rows[0];
  if (typeof template === "string") return template.replace("$image", () => String(rows[0]));
  return mapValues(template, (part) => fill(part, rows));
}
