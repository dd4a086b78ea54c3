import { textOf, textPoint } from "../inputs/text/code-points.ts";
import { NORMALIZATIONS, SANITIZER } from "../inputs/text/normalize.ts";
import { predictedClass } from "../threats/goal.ts";
import type { Finding } from "./schema.ts";

type Defenses = NonNullable<Finding["defenses"]>;

/**
 * Which normalizations would have stopped an adversarial text: each that touches it is applied, and the model is asked again. A normalization that the
 * clean text does not survive is no defense, so that is asked, too.
 */
export async function textDefenses(
  { x, x0, label }: { readonly x: Float32Array; readonly x0: Float32Array; readonly label: number },
  verify: (point: Float32Array) => Promise<Float32Array>,
): Promise<Defenses> {
  const [adversarial, clean] = [textOf(x), textOf(x0)];
  const known = new Map<string, Promise<boolean>>([[clean, Promise.resolve(true)]]);
  const isRight = (text: string): Promise<boolean> => {
    const asked =
      known.get(text) ??
      ([...text].length > x.length
        ? Promise.resolve(false)
        : verify(textPoint(text, x.length)).then((scores) => predictedClass(scores) === label));
    known.set(text, asked);
    return asked;
  };
  const defenses: Defenses = [];
  for (const { name, apply } of [SANITIZER, ...NORMALIZATIONS]) {
    const normalized = apply(adversarial);
    if (normalized === adversarial) continue;
    defenses.push({ name, stops: await isRight(normalized), cleanStands: await isRight(apply(clean)) });
  }
  return defenses;
}
