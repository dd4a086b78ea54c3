import { BlindspotError, type Problem } from "../../base/errors.ts";
import { type HttpTarget, requestJson, shownUrl } from "./http-request.ts";
import { type JsonPath, parsePath, readPath } from "./json-path.ts";
import { type Batch, jsonRows, type RawAnswer, type Transport } from "./transport.ts";

/** What a template may hold where a row belongs. `$inputs` and `$records`: all rows of a request; else one. */
const PLACES = ["$input", "$inputs", "$record", "$records"] as const;
type Place = (typeof PLACES)[number];

/** How any JSON endpoint is asked: the request with places for rows, and where in the answer its scores or its label lie. */
export interface JsonTemplate {
  readonly request: unknown;
  readonly place: Place;
  readonly scores: JsonPath | null;
  readonly label: JsonPath | null;
  readonly classes: readonly string[] | null;
}

const KEYS = ["request", "scores", "label", "classes"];

/**
 * Reads `{ "request": ..., "scores": "$.path", "label": "$.path", "classes": [...] }`. All that is wrong with it is reported at once (`E_ADAPTER`,
 * `E_PATH`).
 * @param named whether a row can be told by the names of its fields: `$record` needs that
 */
export function parseTemplate(value: unknown, file: string, named: boolean): JsonTemplate {
  const problems: Problem[] = [];
  const add = (where: string, expected: string, got?: string) =>
    problems.push({ code: "E_ADAPTER", subject: file, where, expected, ...(got === undefined ? {} : { got }) });
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  const template = (isObject ? value : {}) as Record<string, unknown>;
  for (const key of Object.keys(template)) if (!KEYS.includes(key)) add(key, `one of ${KEYS.join(", ")}`);
  const places = placesIn(template["request"]);
  if (places.length !== 1) add("request", `one of ${PLACES.join(", ")}, once`, places.join(", ") || "none");
  if (places[0]?.startsWith("$record") && !named)
    add("request", "$input or $inputs: the data has no names for its values", places[0]);
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
    request: template["request"],
    place: places[0]!,
    scores,
    label,
    classes: listed ? (classes as string[]) : null,
  };
}

function placesIn(value: unknown): Place[] {
  if (typeof value === "string") return PLACES.filter((place) => place === value);
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(placesIn) : [];
}

/** Whether a request of this template holds several rows. */
export function takesSeveral({ place }: JsonTemplate): boolean {
  return place.endsWith("s");
}

/** A point of attack space as the user would submit it, by the names of its fields. */
export type RecordOf = (point: Float32Array) => Readonly<Record<string, unknown>>;

/** @param recordOf may be null for a template without `$record` */
export function jsonTransport(target: HttpTarget, template: JsonTemplate, recordOf: RecordOf | null): Transport {
  const several = takesSeveral(template);
  return {
    kind: "http",
    name: shownUrl(target.url),
    ask: async (batch, signal) => {
      const answer = await requestJson(target, signal, fill(template.request, rowsOf(batch, template.place, recordOf)));
      const raw = read(template, answer);
      return several ? raw : single(raw);
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

function rowsOf(batch: Batch, place: Place, recordOf: RecordOf | null): unknown {
  const values = place.startsWith("$record") ? batch.points.map((point) => recordOf!(point)) : jsonRows(batch);
  return place.endsWith("s") ? values : values[0];
}

function fill(template: unknown, rows: unknown): unknown {
  if (PLACES.some((place) => place === template)) return rows;
  if (Array.isArray(template)) return template.map((part) => fill(part, rows));
  if (typeof template !== "object" || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([key, part]) => [key, fill(part, rows)]));
}
