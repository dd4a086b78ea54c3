import { BlindspotError } from "../../base/errors.ts";
import type { Value } from "../../graph/ir.ts";
import type { Feeds } from "../../runtime/runtime.ts";
import { tensor } from "../../tensor/tensor.ts";
import type { TextReading } from "../classifier.ts";

/** How texts become what a model takes. */
export interface TextFeed {
  /** Adaptations and caveats, in words. */
  readonly notes: readonly string[];
  /** Rows that every pass must have, or null: any number. */
  readonly fixedBatch: number | null;
  /** Absent where the file does all of it. */
  readonly reading?: TextReading;
  feeds(texts: readonly string[]): Feeds;
}

/** Of a model whose one input takes the strings themselves, [N, 1] or [N]. Throws `E_MODEL_INPUT`. */
export function stringFeed(input: Value, label: string): TextFeed {
  const { name, shape } = input;
  const [batch, ...rest] = shape ?? ["N", 1];
  const columns = rest.reduce<number>((product, dim) => product * (typeof dim === "number" ? dim : 1), 1);
  if (shape?.length === 0 || columns !== 1)
    throw new BlindspotError({
      code: "E_MODEL_INPUT",
      subject: label,
      expected: "one text a row: strings of [N, 1] or [N]",
      got: `${name} string[${shape!.map((dim) => dim ?? "?").join(",")}]`,
      hint: "Join the columns in the file, or make constants of the others.",
    });
  const inner = rest.map(() => 1);
  return {
    notes: [],
    fixedBatch: typeof batch === "number" ? batch : null,
    feeds: (texts) => ({ [name]: tensor("string", [texts.length, ...inner], texts) }),
  };
}
