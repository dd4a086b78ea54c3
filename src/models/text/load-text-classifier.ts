import { BlindspotError } from "../../base/errors.ts";
import type { Model } from "../../graph/ir.ts";
import type { Runtime, Session } from "../../runtime/runtime.ts";
import { disagreement } from "../free-batch.ts";
import { classNames, type LoadClassifierOptions } from "../load-classifier.ts";
import type { OpenedModel } from "../open-model.ts";
import { withTurnedScores } from "../turned-scores.ts";
import { withoutMaps } from "../without-maps.ts";
import { searchCopy } from "./search-copy.ts";
import { takesTokens } from "./takes-text.ts";
import { TextClassifier } from "./text-classifier.ts";
import { stringFeed, type TextFeed } from "./text-feed.ts";
import { type Asked, findTextHead, meaningOf, runFeed, runTexts } from "./text-output.ts";
import { tokenFeed } from "./token-feed.ts";

/** More texts in a pass gain nothing: measured from 1 to 256 on a bag of words, 32 are within a tenth of the best. */
const LARGEST_BATCH = 64;
/** Code points of a row, where no data says how many. */
const DEFAULT_SIZE = 1024;

/** Longer than most models of tokens take: 512. */
const LONG_WORDS = 600;

/** Of different lengths and letters: what a model does with them shows what its outputs are, and whether rows of one batch mix. */
const TEST_TEXTS = [
  "ok",
  "The meeting is at ten tomorrow.",
  "Congratulations! You have WON a prize of 1000 dollars. Call 555-0100 now to claim it, offer ends today!!!",
  "Can you pick up some milk on the way home?",
  "terrible, just terrible: the worst that I have seen in years",
  "Ein wunderbarer Abend, größtenteils.",
  "12 34 56",
  "see you later",
];

/**
 * A classifier of texts from an ONNX file. Throws what `loadClassifier` throws, but for what concerns numbers.
 */
export async function loadTextClassifier(
  source: OpenedModel,
  options: LoadClassifierOptions = {},
): Promise<TextClassifier> {
  const tensors = withoutMaps(source);
  const feed = feedOf(tensors.opened, options);
  const runtime = options.runtime ?? (await (await import("../../runtime/node.ts")).nodeRuntime());
  try {
    const { opened, note } = await withTurnedScores(tensors.opened, runtime);
    const notes = [tensors.note, note].filter((one) => one !== null);
    return await assemble(opened, feed, runtime, options, notes);
  } catch (error) {
    if (options.runtime === undefined) await runtime.close();
    throw error;
  }
}

/** What a model of texts has no use for is refused, not ignored. */
function feedOf({ model, label, tokenizer }: OpenedModel, options: LoadClassifierOptions): TextFeed {
  const { inputRange, mean, std, channels, layout, shape } = options;
  const numeric = Object.entries({ inputRange, mean, std, channels, layout, shape }).filter(
    ([, value]) => value !== undefined,
  );
  if (numeric.length > 0)
    throw new BlindspotError(
      numeric.map(([name]) => ({
        code: "E_PREPROCESSING",
        subject: label,
        expected: "no preprocessing of numbers: the model takes texts",
        got: name,
      })),
    );
  if (takesTokens(model)) return tokenFeed(model, tokenizer ?? null, label);
  const [input, ...others] = model.graph.inputs;
  if (others.length > 0)
    throw new BlindspotError({
      code: "E_MODEL_INPUT",
      subject: label,
      expected: "one input of strings",
      got: model.graph.inputs.map(({ name }) => name).join(", "),
      hint: "Fix the other inputs in the file: make constants of them.",
    });
  return stringFeed(input!, label);
}

async function assemble(
  { model, bytes, label }: OpenedModel,
  feed: TextFeed,
  runtime: Runtime,
  options: LoadClassifierOptions,
  notes: readonly string[],
): Promise<TextClassifier> {
  const session = await runtime.load(bytes, { label });
  try {
    const first = await runFeed({ session, feed }, TEST_TEXTS.slice(0, 1));
    const head = findTextHead(model, first, feed.fixedBatch ?? 1, options.output, options.classes);
    const classes = classNames(options.classes, head.classes, label);
    const asked = { session, feed, head, classes, label };
    await checkLength(asked);
    const alone: Float32Array[] = [];
    for (const text of TEST_TEXTS) alone.push((await runTexts(asked, [text]))[0]!);
    const meaning = meaningOf(head, alone);
    const mixed = feed.fixedBatch === null ? await mixes(asked, alone) : null;
    const searched = mixed === null ? await searchSession(model, asked, alone, runtime) : null;
    return new TextClassifier({
      ...asked,
      searched,
      runtime,
      ownsRuntime: options.runtime === undefined,
      meaning,
      dims: options.dims ?? [DEFAULT_SIZE],
      maxBatch: feed.fixedBatch ?? (mixed === null ? LARGEST_BATCH : 1),
      notes: [
        ...notes,
        ...feed.notes,
        ...(mixed === null ? [] : [`row by row: ${mixed}`]),
        ...(searched === null
          ? []
          : [`searched through a copy with ReduceL2 and Div for Normalizer (${TEST_TEXTS.length} texts agree)`]),
      ],
    });
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Of a copy that searches ask, where there is a faster one that gives what the file gives. */
async function searchSession(
  model: Model,
  asked: Asked,
  alone: readonly Float32Array[],
  runtime: Runtime,
): Promise<Session | null> {
  const copy = asked.feed.fixedBatch === null ? searchCopy(model) : null;
  const session = copy === null ? null : await runtime.load(copy, { label: asked.label }).catch(() => null);
  if (session === null || (await mixes({ ...asked, session }, alone)) === null) return session;
  await session.close();
  return null;
}

/** Positions are often a matrix of so many rows: a longer input fails in the middle of a run. */
async function checkLength(asked: Asked): Promise<void> {
  if (asked.feed.reading === undefined) return;
  try {
    await runTexts(asked, ["so many words ".repeat(LONG_WORDS / 3)]);
  } catch (error) {
    throw new BlindspotError(
      {
        code: "E_TOKENIZER_MODEL",
        subject: asked.label,
        expected: "a model that takes whatever the tokenizer gives",
        got: `for a text of ${LONG_WORDS} words: ${(error as Error).message}`,
        hint: "Say how many tokens it takes: truncation.max_length in tokenizer.json, or model_max_length in tokenizer_config.json.",
      },
      { cause: error },
    );
  }
}

/** Null if texts together give what they give alone, else what happens. */
async function mixes(asked: Asked, alone: readonly Float32Array[]): Promise<string | null> {
  try {
    const together = (await runTexts(asked, TEST_TEXTS)).flatMap((row) => Array.from(row));
    const differs = disagreement(Float32Array.from(together), alone);
    return differs === null ? null : `texts of one batch are not independent (${differs})`;
  } catch (error) {
    if (!(error instanceof BlindspotError)) throw error;
    return "ONNX Runtime can't run several texts at once";
  }
}
