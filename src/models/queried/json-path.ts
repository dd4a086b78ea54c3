import { BlindspotError } from "../../base/errors.ts";

/** `$`, then members (`.name`, `['any name']`), positions (`[0]`, `[-1]`) and wildcards (`[*]`): a part of JSONPath (RFC 9535) that needs no evaluation. */
export type JsonPath = readonly (string | number | typeof EACH)[];

const EACH = Symbol("each");
const STEP = /\.([\p{L}_][\p{L}\p{N}_-]*)|\[(-?\d+)\]|\['([^']*)'\]|\["([^"]*)"\]|(\[\*\])/uy;

/** Throws `E_PATH` for what is no such path. */
export function parsePath(text: string, subject: string): JsonPath {
  const refuse = (at: number) =>
    new BlindspotError({
      code: "E_PATH",
      subject,
      expected: "a path such as $.predictions[*].scores or $['class name'][0]",
      got: `'${text}'${at > 0 ? `, which is not understood from '${text.slice(at)}'` : ""}`,
    });
  if (!text.startsWith("$")) throw refuse(0);
  const path: (string | number | typeof EACH)[] = [];
  STEP.lastIndex = 1;
  while (STEP.lastIndex < text.length) {
    const at = STEP.lastIndex;
    const match = STEP.exec(text);
    if (match === null) throw refuse(at);
    const [, member, position, single, double, each] = match;
    if (each !== undefined) path.push(EACH);
    else path.push(position === undefined ? (member ?? single ?? double)! : Number(position));
  }
  return path;
}

/** What lies at the path; undefined where nothing does. A wildcard gives a list, of which each element is followed on. */
export function readPath(value: unknown, path: JsonPath): unknown {
  const [step, ...rest] = path;
  if (step === undefined || value === undefined) return value;
  if (step === EACH) return Array.isArray(value) ? value.map((element) => readPath(element, rest)) : undefined;
  if (typeof step === "number") return Array.isArray(value) ? readPath(value.at(step), rest) : undefined;
  const owned = typeof value === "object" && value !== null && !Array.isArray(value) && Object.hasOwn(value, step);
  return owned ? readPath((value as Record<string, unknown>)[step], rest) : undefined;
}
