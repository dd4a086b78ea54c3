import { BlindspotError } from "../../base/errors.ts";
import { listsScores } from "./answers.ts";
import type { RawAnswer, Transport } from "./transport.ts";

/**
 * A classifier as a function: of rows (flat, in the units and order of the model; of texts: strings) to the scores of each, or the label of each.
 * `{ scores }` or `{ labels }` says which; a bare list of lists is scores, a bare list of numbers or names is labels.
 */
export type ClassifierFunction<Row = Float32Array> = (
  rows: readonly Row[],
  about: { readonly shape: readonly number[] },
) => unknown;

export function functionTransport<Row = Float32Array>(classify: ClassifierFunction<Row>, name: string): Transport {
  return {
    kind: "function",
    name,
    ask: async ({ rows, texts, shape }) => {
      let answer: unknown;
      try {
        answer = await classify((texts ?? rows) as unknown as readonly Row[], { shape });
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
