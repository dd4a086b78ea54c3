import { BlindspotError } from "../../base/errors.ts";
import { type HttpTarget, requestJson, shownUrl } from "./http-request.ts";
import type { RawAnswer, Transport } from "./transport.ts";

/** One text's result: whether it is flagged, and a score in 0..1 for each category. */
interface Moderation {
  readonly flagged: boolean;
  readonly category_scores: Readonly<Record<string, number>>;
}

/**
 * An endpoint that speaks OpenAI's moderation protocol: `{ "input": [text, ...] }` is answered by `{ "results": [...] }`. Classes that are named after categories
 * get their scores, and the one class that is not named so gets what the largest of them leaves of 1. Of two classes, neither of them a category, the second
 * is "flagged": the decision is the endpoint's own, and the largest score says how near it is.
 */
export function moderationTransport(target: HttpTarget, classes: readonly string[]): Transport {
  const name = shownUrl(target.url);
  return {
    kind: "http",
    name,
    ask: async ({ texts = [] }, signal) => {
      const answer = await requestJson(target, signal, { input: texts });
      const results = (answer as { results?: unknown } | null)?.results;
      if (!Array.isArray(results) || !results.every(isModeration))
        throw new BlindspotError(
          { code: "E_ANSWER", subject: name, expected: "results with flagged and category_scores", got: "others" },
          { exitCode: 3 },
        );
      return { scores: results.map((result) => scoresOf(name, result, classes)) } satisfies RawAnswer;
    },
    close: () => Promise.resolve(),
  };
}

function isModeration(value: unknown): value is Moderation {
  const { flagged, category_scores: scores } = (value ?? {}) as Partial<Record<keyof Moderation, unknown>>;
  return (
    typeof flagged === "boolean" &&
    typeof scores === "object" &&
    scores !== null &&
    Object.values(scores).every((score) => typeof score === "number" && score >= 0 && score <= 1)
  );
}

function scoresOf(
  name: string,
  { flagged, category_scores: scores }: Moderation,
  classes: readonly string[],
): number[] {
  const others = classes.filter((label) => !Object.hasOwn(scores, label));
  if (classes.length === 2 && others.length === 2) {
    const largest = Math.max(0, ...Object.values(scores));
    // Each category has a threshold of its own: above one half where it is flagged, below where it is not, and rising with the score in both.
    const p = flagged ? (1 + largest) / 2 : largest / 2;
    return [1 - p, p];
  }
  if (others.length > 1)
    throw new BlindspotError({
      code: "E_CLASSES",
      subject: name,
      expected: `two classes, the second for what is flagged; or categories and one class for none of them: ${Object.keys(scores).join(", ")}`,
      got: `${others.join(", ")}, which are no categories`,
      hint: "--classes fine,flagged",
    });
  const named = classes.map((label) => scores[label]);
  const largest = Math.max(0, ...named.filter((score) => score !== undefined));
  return named.map((score) => score ?? 1 - largest);
}
