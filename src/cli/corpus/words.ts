import type { Entry } from "../../corpus/entry.ts";
import { threatsOf } from "../../corpus/filter.ts";
import type { StoredFromRun } from "../../corpus/from-run.ts";
import type { FoundEvent } from "../../corpus/schema.ts";
import { epsilonText, grouped, plural } from "../../report/format.ts";

/** How far the input is from its clean side, in the threat's own norm. */
export function changeText({ threat, distance }: FoundEvent): string {
  if (distance === undefined) return "";
  const { l0, l0Pixels, fields, words, l2, linf } = distance;
  if (fields !== undefined) return plural(fields, "field");
  if (words !== undefined) return plural(words, "word");
  const norm = threat?.split(":")[0];
  if (norm === "l0") return l0Pixels === undefined ? `${l0} values` : `${l0Pixels} pixels`;
  return norm === "l2" ? `L2 ${epsilonText(l2)}` : `Linf ${epsilonText(linf)}`;
}

/** A sample as `--json` tells it. */
export function summaryOf(entry: Entry): Record<string, unknown> {
  const { id, kinds, trust, label, predicted, groups, since, manifest, found } = entry;
  return {
    id,
    kinds,
    trust,
    label,
    predicted,
    threats: threatsOf(entry),
    attacks: [...new Set(found.flatMap(({ attack }) => (attack === undefined ? [] : [attack.name])))],
    groups,
    since,
    modality: manifest.modality,
    dims: manifest.dims,
  };
}

/** `boundary: 41 new of 57 findings, 3 new of 3 natural errors`. */
export function storedText(folder: string, { findings, naturalErrors }: StoredFromRun): string {
  const count = ({ stored, isNew }: StoredFromRun["findings"], one: string) =>
    `${grouped(isNew)} new of ${plural(stored, one)}`;
  return `Corpus ${folder}: ${count(findings, "finding")}, ${count(naturalErrors, "natural error")}`;
}
