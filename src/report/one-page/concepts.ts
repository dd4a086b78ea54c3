import type { Result } from "../../assess/schema.ts";
import type { StoredRun } from "../../assess/store.ts";
import { plural } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { KNOWS, type Knowledge, limitText } from "../words.ts";
import { modalityOf, threatLabel } from "./text.ts";

/** Threats whose limit is put in words; of more than these only the first is. */
const LIMITS = 2;

/** What a reader must know to read the rest: in plain words, for the threats and attackers of this run. */
export function concepts({ result, findings }: StoredRun): Markup {
  const modality = modalityOf(findings, result);
  const threats = result.threats.slice(0, result.threats.length > LIMITS ? 1 : LIMITS);
  const more = result.threats.length - threats.length;
  return html`<section class="concepts"><h2>Key concepts</h2><dl>
<dt>Adversarial example</dt><dd>An input changed on purpose, within a stated limit, so that a model which was right answers wrong. It is searched for, not met by chance.</dd>
<dt>The limit</dt>${threats.map((threat) => html`<dd><b>${threatLabel(threat)}</b>: the attacker may change ${limitText({ ...threat, modality })}${threat.quantize === "uint8" && ", and the result must fit an 8-bit file"}. ${goalText(result, threat.goal)}</dd>`)}${more > 0 && html`<dd>And ${plural(more, "more limit")}: see the full report.</dd>`}
<dt>The attackers</dt>${knowledges(result).map((knowledge) => html`<dd><b>${knowledge}</b> knows ${KNOWS[knowledge]}.</dd>`)}
<dt>Robust accuracy</dt><dd>The share of all samples that are right and stay right under every attack. A stronger attack can only lower it.</dd>
</dl></section>
`;
}

function goalText({ threats }: Result, goal: string): string {
  if (goal !== "untargeted") return "Only the answers that the attacker wants count as success.";
  return threats.length > 1 ? "" : "Any wrong class counts as success.";
}

function knowledges({ threats }: Result): Knowledge[] {
  return [...new Set(threats.flatMap(({ profiles }) => profiles.map(({ knowledge }) => knowledge)))];
}
