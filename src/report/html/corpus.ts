import type { RunCorpus } from "../../corpus/summary.ts";
import { coverageSection, growthSection, summaryText } from "../corpus/sections.ts";
import { grouped, plural } from "../format.ts";
import { type Content, html, named } from "../markup.ts";

/** What became tests of this run, and what the collection holds with them; null of a run that stored nothing. */
export function corpusSection(kept: RunCorpus | null): Content {
  if (kept === null) return null;
  const { corpus, findings, naturalErrors, holds } = kept;
  const told = ({ stored, isNew }: RunCorpus["findings"], one: string) =>
    `${plural(stored, one)} (${grouped(isNew)} new)`;
  return html`<section id="corpus"><h2>The corpus</h2><p>${told(findings, "finding")} and ${told(naturalErrors, "natural error")} of this run are tests in ${named(corpus)} now. It held ${summaryText(holds)}, when the run ended. Counts, and no rates: its samples were collected because models failed.</p>
${[growthSection(holds), coverageSection(holds)]}
<p class="muted small">May the next version replace this one? <code>npx blindspot gate --model NEXT --against THIS --corpus ${corpus}</code></p></section>
`;
}
