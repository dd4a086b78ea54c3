import { BlindspotError } from "../../base/errors.ts";
import type { Model } from "../../graph/ir.ts";
import type { Runtime } from "../../runtime/runtime.ts";
import { disagreement } from "../free-batch.ts";
import { classNames, type LoadClassifierOptions } from "../load-classifier.ts";
import type { OpenedModel } from "../open-model.ts";
import { TextClassifier } from "./text-classifier.ts";
import { stringFeed, type TextFeed } from "./text-feed.ts";
import { findTextHead, meaningOf, runFeed, runTexts } from "./text-output.ts";
import { withoutMaps } from "./without-maps.ts";

/** More texts in a pass gain nothing: measured from 1 to 256 on a bag of words, 32 are within a tenth of the best. */
const LARGEST_BATCH = 64;
/** Code points of a row, where no data says how many. */
const DEFAULT_SIZE = 1024;

/** Of different lengths and letters: what a model does with them shows what its outputs are, and whether rows of one batch mix. */
const TEST_TEXTS = [
  "The meeting is at ten tomorrow.",
  "ok",
  "Congratulations! You have WON a prize of 1000 dollars. Call 555-0100 now to claim it, offer ends today!!!",
  "Can you pick up some milk on the way home?",
  "terrible, just terrible: the worst that I have seen in years",
  "Ein wunderbarer Abend, größtenteils.",
  "12 34 56",
  "see you later",
];

/** Whether a model reads texts: its input takes strings. */
export function takesText({ graph }: Model): boolean {
  return graph.inputs.length > 0 && graph.inputs.every(({ dtype }) => dtype === "string");
}

/**
 * A classifier of texts from an ONNX file. Throws what `loadClassifier` throws, but for what concerns numbers.
 */
export async function loadTextClassifier(
  source: OpenedModel,
  options: LoadClassifierOptions = {},
): Promise<TextClassifier> {
  const { opened, note } = withoutMaps(source);
  const feed = feedOf(opened, options);
  const runtime = options.runtime ?? (await (await import("../../runtime/node.ts")).nodeRuntime());
  try {
    return await assemble(opened, feed, runtime, options, note === null ? [] : [note]);
  } catch (error) {
    if (options.runtime === undefined) await runtime.close();
    throw error;
  }
}

/** What a model of texts has no use for is refused, not ignored. */
function feedOf({ model, label }: OpenedModel, options: LoadClassifierOptions): TextFeed {
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
    const alone: Float32Array[] = [];
    for (const text of TEST_TEXTS) alone.push((await runTexts(asked, [text]))[0]!);
    const meaning = meaningOf(head, alone);
    const mixed = feed.fixedBatch === null ? await mixes(asked, alone) : null;
    return new TextClassifier({
      ...asked,
      runtime,
      ownsRuntime: options.runtime === undefined,
      meaning,
      dims: options.dims ?? [DEFAULT_SIZE],
      maxBatch: feed.fixedBatch ?? (mixed === null ? LARGEST_BATCH : 1),
      notes: [...notes, ...feed.notes, ...(mixed === null ? [] : [`row by row: ${mixed}`])],
    });
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Null if texts together give what they give alone, else what happens. */
async function mixes(asked: Parameters<typeof runTexts>[0], alone: readonly Float32Array[]): Promise<string | null> {
  try {
    const together = (await runTexts(asked, TEST_TEXTS)).flatMap((row) => Array.from(row));
    const differs = disagreement(Float32Array.from(together), alone);
    return differs === null ? null : `texts of one batch are not independent (${differs})`;
  } catch (error) {
    if (!(error instanceof BlindspotError)) throw error;
    return "ONNX Runtime can't run several texts at once";
  }
}
