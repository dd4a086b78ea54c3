import { BlindspotError } from "../../base/errors.ts";
import { listsScores } from "./answers.ts";
import type { RawAnswer, Transport } from "./transport.ts";

/**
 * A classifier as a function: of rows (flat, in the units and order of the model) to the scores of each, or the label of each.
 * `{ scores }` or `{ labels }` says which; a bare list of lists is scores, a bare list of numbers or names is labels.
 */
export type ClassifierFunction = (
  rows: readonly Float32Array[],
  about: { readonly shape: readonly number[] },
) => unknown;

export function functionTransport(classify: ClassifierFunction, name: string): Transport {
  return {
    kind: "function",
    name,
    ask: async ({ rows, shape }) => {
      let answer: unknown;
      try {
        answer = await classify(rows, { shape });
      } catch (error) {
        throw new BlindspotError(
          { code: "E_FUNCTION", subject: name, got: error instanceof Error ? error.message : String(error) },
          { exitCode: 3, cause: error },
        );
      }
      return answerOf(answer);
    },
    close: () => Promise.resolve(),
  };
}

function answerOf(answer: unknown): RawAnswer {
  if (Array.isArray(answer)) return listsScores(answer) ? { scores: answer } : { labels: answer };
  return typeof answer === "object" && answer !== null ? (answer as RawAnswer) : {};
}
