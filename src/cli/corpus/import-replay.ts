import { basename } from "node:path";
import { perturbation } from "../../assess/analysis/perturbation.ts";
import { BlindspotError } from "../../base/errors.ts";
import { codecOf } from "../../corpus/identity.ts";
import type { Claim } from "../../corpus/incoming.ts";
import type { EventBody } from "../../corpus/schema.ts";
import { predictedClass } from "../../threats/goal.ts";
import { parseThreat } from "../../threats/index.ts";
import type { KnownModel } from "./model.ts";

export interface ReplayModel extends Pick<KnownModel, "classifier" | "reading"> {
  readonly name: string;
}

type FoundBody = Omit<Extract<EventBody, { event: "found" }>, "model">;

/** What a model makes of a claim. */
export type Replayed =
  | { readonly state: "wrong"; readonly found: FoundBody }
  | { readonly state: "right" | "clean side wrong" | "outside the threat" | "no clean side" }
  | { readonly state: "not replayed"; readonly why: string };

/**
 * Asks the model's own file about both sides, alone. `wrong`: it takes the clean side for the claimed class and the input for another one, so it is a finding, whoever
 * made it. Without a clean side only the file vouches for the class; a claim of another kind has none.
 * @param threat what the input was made under; the pair must be inside
 */
export async function replayed(claim: Claim, model: ReplayModel, threat: string | undefined): Promise<Replayed> {
  try {
    return await ask(claim, model, threat);
  } catch (error) {
    if (!(error instanceof BlindspotError)) throw error;
    return { state: "not replayed", why: error.message };
  }
}

async function ask(claim: Claim, { classifier, reading, name }: ReplayModel, threat?: string): Promise<Replayed> {
  const { form, data, kind } = claim;
  const { classes } = classifier;
  const label = classes.includes(claim.label.name) ? classes.indexOf(claim.label.name) : -1;
  if (label < 0) return { state: "not replayed", why: `the model has no class '${claim.label.name}'` };
  const dims = form.dims.length === 0 ? [] : [...classifier.dims];
  if (form.dims.join() !== dims.join())
    return { state: "not replayed", why: `it is ${form.dims.join("x")}, the model takes ${dims.join("x")}` };
  const codec = codecOf(form, reading);
  const point = await codec.decode(claim.input.bytes);
  const scores = await classifier.verify(point);
  const predicted = predictedClass(scores);
  if (predicted === label) return { state: "right" };
  if (claim.clean === null) return { state: "no clean side" };
  const clean = await codec.decode(claim.clean.bytes);
  if (predictedClass(await classifier.verify(clean)) !== label) return { state: "clean side wrong" };
  const stated =
    threat === undefined
      ? null
      : parseThreat(threat, {
          quantize: form.values === "uint8" ? "uint8" : "none",
          dims: form.dims,
          texts: form.modality === "text",
          ...(reading.rows === undefined ? {} : { rows: reading.rows }),
        });
  if (stated !== null && stated.violation(point, clean) !== null) return { state: "outside the threat" };
  const { l0, l0Pixels, fields, words, l1, l2, linf } = perturbation(point, clean, codec).magnitude;
  const counts = { l0Pixels, fields, words };
  const named = (index: number) => ({ name: classes[index]!, index });
  return {
    state: "wrong",
    found: {
      event: "found",
      kind,
      modelName: basename(name),
      label: named(label),
      predicted: named(predicted),
      data,
      ...(stated === null ? {} : { threat: stated.id }),
      distance: {
        l0,
        ...Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== undefined)),
        l1,
        l2,
        linf,
      },
    },
  };
}
