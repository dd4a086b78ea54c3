import type { Finding, Result, ThreatResult } from "../../assess/schema.ts";
import { percent, sure } from "../format.ts";
import { type Markup, named } from "../markup.ts";
import { shortened } from "../visible.ts";
import { type Limit, threatName } from "../words.ts";

/** Lengths that names and sentences of a run are cut to: the page has room for so much, whatever a run holds. */
export const LENGTH = {
  title: 44,
  name: 24,
  phrase: 70,
  sentence: 150,
  paragraph: 230,
  arithmetic: 420,
  command: 150,
} as const;

export function short(text: string, length: number = LENGTH.name): Markup {
  return named(shortened(text, length));
}

/** A share in percent, the sign on the same line as the figure. */
export function share(value: number): string {
  return percent(value).replace(" %", "\u00a0%");
}

/** A confidence, likewise. */
export function sureness(value: number): string {
  return sure(value).replace(" %", "\u00a0%");
}

/** Name of a class, cut to what a line has room for. */
export function className({ model }: Pick<Result, "model">, label: number): Markup {
  return short(model.classes[label] ?? String(label));
}

export function threatLabel(threat: Pick<ThreatResult, "id">): Markup {
  return short(threatName(threat.id));
}

export function modalityOf(findings: readonly Finding[], { model }: Pick<Result, "model">): Limit["modality"] {
  return findings[0]?.subject.modality ?? (model.dims.length === 3 ? "image" : "vector");
}

/** Those that were evaluated, the least robust first. */
export function worstFirst(result: Result): ThreatResult[] {
  return result.threats
    .filter(({ robustAccuracy }) => robustAccuracy.of > 0)
    .sort((a, b) => a.robustAccuracy.value - b.robustAccuracy.value);
}
