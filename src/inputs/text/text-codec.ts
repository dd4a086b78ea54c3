import { BlindspotError } from "../../base/errors.ts";
import type { Codec } from "../codec.ts";
import { pointProblem, requirePoint, withHeader } from "../points.ts";
import { textOf, textPoint } from "./code-points.ts";
import { textChange } from "./text-change.ts";

/**
 * Texts of at most `size` code points. Identified by, and stored as, their exact UTF-8: nothing is normalized, so that a composed and a decomposed
 * letter are two texts.
 */
export function textCodec(size: number): Codec {
  const utf8 = (point: Float32Array): Uint8Array => {
    requirePoint(textProblem(point, size), "text");
    return new TextEncoder().encode(textOf(point));
  };
  return {
    modality: "text",
    dims: [size],
    size,
    quantize: "none",
    check: (point) => textProblem(point, size),
    // The size is one of the data set: the same text of another one is the same input.
    canonical: (point) => withHeader("text utf-8", utf8(point)),
    encode: async (point) => ({ bytes: utf8(point), extension: "txt" }),
    decode: async (bytes) => textPoint(readUtf8(bytes), size),
    textChange: (x, x0) => textChange(textOf(x), textOf(x0)),
  };
}

/** The text of these bytes, exactly: a byte order mark is part of it. Throws where they are no UTF-8. */
export function readUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new BlindspotError(
      { code: "E_INPUT_TYPE", subject: "text input", expected: "UTF-8", got: "bytes that are none" },
      { cause: error },
    );
  }
}

/** What is wrong with the point of a text, or null. */
export function textProblem(point: Float32Array, size: number): string | null {
  const problem = pointProblem(point, size, false);
  if (problem !== null) return problem;
  const end = point.indexOf(0);
  if (end >= 0 && point.subarray(end).some((value) => value !== 0))
    return `value ${end} ends the text, but more follows`;
  if (point.some((value) => value === 1)) return "a value is 1, which is beyond all code points";
  const text = textOf(point);
  const surrogate = /\p{Cs}/u.exec(text);
  if (surrogate !== null) return "holds half a surrogate pair";
  const exact = textPoint(text, size);
  const at = point.findIndex((value, i) => value !== exact[i]);
  return at < 0 ? null : `value ${at} is ${point[at]}, which is no code point`;
}
