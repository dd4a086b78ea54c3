import { BlindspotError } from "../../base/errors.ts";

/** Fewer adversarial inputs than this teach nothing. */
const LEAST = 10;

/** The adversarial inputs that were found. Throws E_DETECTOR_DATA where they are too few for a detector to learn from. */
export function requireAdversarial(found: readonly (Float32Array | null)[], detector: string): Float32Array[] {
  const adversarial = found.filter((row) => row !== null);
  if (adversarial.length >= LEAST) return adversarial;
  throw new BlindspotError({
    code: "E_DETECTOR_DATA",
    subject: `the detector ${detector}`,
    expected: `at least ${LEAST} adversarial inputs to learn from`,
    got: String(adversarial.length),
    hint: "The model withstands PGD on this data: give more data, or a larger threat",
  });
}
