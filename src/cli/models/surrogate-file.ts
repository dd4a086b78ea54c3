import { z } from "zod";
import { type SurrogateFacts, surrogateFacts } from "../../assess/schema.ts";
import { BlindspotError } from "../../base/errors.ts";
import { writeModel } from "../../graph/index.ts";
import type { OpenedModel } from "../../models/open-model.ts";
import type { TrainedSurrogate } from "../../surrogates/train-surrogate.ts";

const METADATA_KEY = "blindspot.surrogate";
const notesSchema = z.object({ recipe: z.string(), facts: surrogateFacts });

const TRAIN = /^train:(.*)$/;

/** N of `--surrogate train:N`; null where a file is named, or nothing. */
export function queriesToTrain(surrogate: string | undefined): number | null {
  const text = TRAIN.exec(surrogate ?? "")?.[1];
  if (text === undefined) return null;
  const queries = Number(text);
  if (/^\d+$/.test(text) && queries >= 2 && Number.isSafeInteger(queries)) return queries;
  throw new BlindspotError({
    code: "E_SURROGATE",
    subject: `--surrogate ${surrogate}`,
    expected: "train:N, with a number of queries from 2",
    hint: "--surrogate train:2000",
  });
}

/** Some commands take a surrogate, but train none. */
export function requireSurrogateFile(surrogate: string | undefined): void {
  if (queriesToTrain(surrogate) === null) return;
  throw new BlindspotError({
    code: "E_SURROGATE",
    subject: `--surrogate ${surrogate}`,
    expected: "an .onnx file: this command trains none",
    hint: `Train it first, with 'blindspot assess --surrogate ${surrogate} --out RUN': then give --surrogate RUN/surrogate.onnx`,
  });
}

/** The file of a trained surrogate says how it was trained. `recipe` names all that decided it. */
export function surrogateFile({ model, facts }: Pick<TrainedSurrogate, "model" | "facts">, recipe: string): Uint8Array {
  model.metadata.set(METADATA_KEY, JSON.stringify({ recipe, facts }));
  return writeModel(model);
}

/** What the file of a trained surrogate says of itself; null for any other model. */
export function surrogateNotes({
  model,
  label,
}: OpenedModel): { readonly recipe: string; readonly facts: SurrogateFacts } | null {
  const text = model.metadata.get(METADATA_KEY);
  if (text === undefined) return null;
  try {
    return notesSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new BlindspotError(
      {
        code: "E_SURROGATE",
        subject: label,
        where: `metadata '${METADATA_KEY}'`,
        expected: "how it was trained",
        got: "something else",
      },
      { cause: error },
    );
  }
}
