import type { Finding, Result, ThreatResult } from "../../assess/schema.ts";
import type { StoredRun } from "../../assess/store.ts";
import { html, type Markup, named } from "../markup.ts";
import type { Album } from "../picture.ts";
import { threatName } from "../words.ts";

/** Pictures up to this width are enlarged with hard edges, so that single pixels show. */
export const PIXELATED = 96;

/** A run as the sections of the page see it. */
export interface View {
  readonly run: StoredRun;
  readonly result: Result;
  /** Findings with a card, the most telling first. */
  readonly chosen: readonly Finding[];
  readonly album: Album;
  /** The clean text of those that are about texts. */
  readonly texts: ReadonlyMap<Finding, string>;
  /** Names of places in the page, one for each finding. */
  readonly anchors: ReadonlyMap<Finding, string>;
}

/** `f-` and the beginning of the finding's id; a repeated one is numbered, since the same discovery made twice has one id. */
export function anchorsOf(findings: readonly Finding[]): Map<Finding, string> {
  const seen = new Map<string, number>();
  return new Map(
    findings.map((finding) => {
      const short = finding.id.slice(0, 12);
      const times = (seen.get(short) ?? 0) + 1;
      seen.set(short, times);
      return [finding, times === 1 ? `f-${short}` : `f-${short}-${times}`];
    }),
  );
}

export function className(result: Result, label: number): string {
  return result.model.classes[label] ?? String(label);
}

/** `stop → yield`, each name in its own direction of writing. */
export function mistake(result: Result, label: number, wrong: number): Markup {
  return html`${named(className(result, label))} → ${named(className(result, wrong))}`;
}

/** The threat as typed; with its goal where that says more. */
export function threatTitle({ id, goal }: Pick<ThreatResult, "id" | "goal">): string {
  return goal === "untargeted" ? threatName(id) : `${threatName(id)}, ${goal}`;
}

export function threatOf(result: Result, { constraints }: Finding): ThreatResult | undefined {
  return result.threats.find(({ id }) => id === constraints.threat);
}

/** The word, in a color that repeats what it says. */
export function severityChip(shown: string, high: string): Markup {
  const unknown = shown.startsWith("Unknown");
  return html`<span class="chip ${unknown ? "unknown" : `solid ${high.toLowerCase()}`}">${shown}</span>`;
}

/** A command as it is typed. */
export function command(line: string): Markup {
  return html`<pre><code>${line}</code></pre>`;
}
