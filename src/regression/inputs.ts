import { BlindspotError } from "../base/errors.ts";
import type { Corpus } from "../corpus/corpus.ts";
import { isMasked } from "../threats/box.ts";
import { threatOfId } from "../threats/parse.ts";
import type { Threat } from "../threats/threat.ts";
import type { Case } from "./case.ts";
import type { Version } from "./version.ts";

/** What is replayed of a case, and where it came from. */
export interface CaseInputs {
  readonly rendition: "raw" | "witness";
  readonly point: Float32Array;
  readonly clean: Float32Array | null;
  /** Their names in the corpus. */
  readonly digests: { readonly point: string; readonly clean: string | null };
  readonly threat: Threat | null;
}

/**
 * The inputs of a case, each compared with its name. The witness, hardened with a margin, is replayed where there is one inside the threat; else
 * the input as it was found. Throws where a file is damaged, and where the threat can't be told from its id.
 */
export async function readInputs(corpus: Corpus, { entry, threat: id }: Case, version: Version): Promise<CaseInputs> {
  const { manifest } = entry;
  const { reading } = version;
  const clean = manifest.clean === null ? null : await corpus.point(manifest, "clean", reading);
  const threat = id === null ? null : threatOf(id, version);
  const allowed = (x: Float32Array) => threat === null || clean === null || threat.violation(x, clean) === null;
  const witness = entry.renditions.findLast(({ rendition }) => rendition === "witness");
  if (witness !== undefined) {
    const read = await corpus.readInput(manifest, witness.input, reading);
    if (read.state === "good" && allowed(read.value)) {
      const digests = { point: witness.input, clean: manifest.clean };
      return { rendition: "witness", point: read.value, clean, digests, threat };
    }
  }
  const point = await corpus.point(manifest, "input", reading);
  if (!allowed(point))
    throw new BlindspotError({
      code: "E_SAMPLE_THREAT",
      subject: `sample ${entry.id.slice(0, 12)}`,
      expected: `an input that ${id} allows`,
      got: threat!.violation(point, clean!)!,
    });
  return { rendition: "raw", point, clean, digests: { point: manifest.input, clean: manifest.clean }, threat };
}

/** The threat that an id of the corpus names, to this version. Throws where its mask or its schema is another. */
export function threatOf(id: string, { classifier: { dims, classes }, reading, mask }: Version): Threat {
  const threat = threatOfId(id, {
    classes: classes.length,
    dims,
    ...(reading?.rows === undefined ? {} : { rows: reading.rows }),
    // What was found without a mask is asked without one.
    ...(mask === undefined || !isMasked(id) ? {} : { mask }),
  });
  if (threat.id === id || !id.includes(";mask=")) return threat;
  throw new BlindspotError({
    code: "E_THREAT_MASK",
    subject: `threat ${id}`,
    expected: "the mask that it was stated with",
    got: `another one: ${threat.id}`,
    hint: "Give it with --mask FILE",
  });
}
