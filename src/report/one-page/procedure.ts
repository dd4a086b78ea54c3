import type { Check, Result } from "../../assess/schema.ts";
import { duration, grouped, interval, plural } from "../format.ts";
import { html, type Markup } from "../markup.ts";
import { LENGTH, share, short } from "./text.ts";

const ATTACKS = 5;

/** What was done, in the order in which it was done. */
export function procedure(result: Result): Markup {
  const { clean, data, model, seed } = result;
  const quantized = result.threats.some(({ quantize }) => quantize === "uint8");
  const { queries, gradients, rejected } = totals(result);
  return html`<section class="procedure"><h2>Procedure</h2><ol>
<li><b>Model.</b> ${short(model.name, LENGTH.title)}: ${inputText(result)}, ${plural(model.classes.length, "class", "classes")}${model.sha256 !== undefined && html`, SHA-256 ${model.sha256.slice(0, 12)}…`}${result.runtime !== null && html`, run by ${short(`${result.runtime.name} ${result.runtime.version}`, LENGTH.title)}`}.</li>
<li><b>Data.</b> ${plural(data.samples, "sample")} of ${short(data.spec, LENGTH.phrase)} (${short(data.draw, LENGTH.phrase)}; seed ${seed}).</li>
<li><b>Without attack.</b> ${clean.correct} of ${clean.of} right: ${share(clean.accuracy)}, 95&nbsp;% interval ${interval(clean.sampling95).replace(" ", "\u00a0")}.</li>
<li><b>Attack.</b> Each attacker on its own, from cheap to strong, each attack on what still stood: ${short(attackList(result), LENGTH.paragraph)}. ${plural(queries, "query", "queries")}, ${grouped(gradients)} of them with gradients.</li>
<li><b>Verify.</b> Each success ${quantized && "was rounded to 8 bits, "}checked against the limit and given, alone, to the original model; ${plural(rejected, "candidate")} did not survive that.</li>
<li><b>Check the evaluation.</b> ${checkCounts(result.checks)}; badge ${result.badge} of E0 to E4. All of it took ${duration(result.seconds)}.</li>
</ol></section>
`;
}

function totals({ threats }: Result): { queries: number; gradients: number; rejected: number } {
  const attacks = threats.flatMap(({ profiles, audit }) => [
    ...profiles.flatMap((profile) => profile.attacks),
    ...audit.attacks,
  ]);
  const sum = (value: (attack: (typeof attacks)[number]) => number) =>
    attacks.reduce((total, attack) => total + value(attack), 0);
  return {
    queries: sum(({ queries }) => queries.total),
    gradients: sum(({ gradients }) => gradients.total),
    rejected: sum(({ rejected }) => rejected),
  };
}

function attackList({ threats }: Result): string {
  const byKnowledge = new Map<string, Set<string>>();
  for (const { profiles } of threats)
    for (const { knowledge, attacks } of profiles) {
      const names = byKnowledge.get(knowledge) ?? new Set<string>();
      for (const { name } of attacks) names.add(name);
      byKnowledge.set(knowledge, names);
    }
  return [...byKnowledge]
    .map(([knowledge, names]) => {
      const more = names.size - ATTACKS;
      return `${knowledge} ${[...names].slice(0, ATTACKS).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
    })
    .join("; ");
}

function checkCounts(checks: readonly Check[]): string {
  if (checks.length === 0) return "No check was run";
  const counts = (["pass", "warn", "fail", "skipped"] as const).map(
    (status) => [checks.filter((check) => check.status === status).length, status] as const,
  );
  const words = { pass: "passed", warn: "warned", fail: "failed", skipped: "not run" };
  const said = counts.filter(([count]) => count > 0).map(([count, status]) => `${count} ${words[status]}`);
  return `${plural(checks.length, "check")}: ${said.join(", ")}`;
}

function inputText({ model: { dims }, threats }: Result): string {
  return threats.some(({ norm }) => norm === "text")
    ? `texts of at most ${dims[0]} characters`
    : `input ${dims.join(" x ")}`;
}
