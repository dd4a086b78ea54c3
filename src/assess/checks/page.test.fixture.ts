import type { Result } from "../schema.ts";
import type { CheckDefinition } from "./check.ts";
import type { Planted } from "./planted.test.fixture.ts";
import { MODEL_CHECKS, THREAT_CHECKS } from "./table.ts";

type Status = Result["checks"][number]["status"];

const CHECKS: readonly Omit<CheckDefinition<never>, "run">[] = [...MODEL_CHECKS, ...THREAT_CHECKS];
const MARKS: Record<Status, string> = { pass: "·", warn: "W", fail: "**F**", skipped: " " };
const WORST: readonly Status[] = ["fail", "warn", "pass", "skipped"];

/** A check may say several things; the worst counts. Undefined: it had nothing to say. */
export function statusOf(result: Result, id: string): Status | undefined {
  const said = result.checks.filter((check) => check.id === id).map(({ status }) => status);
  return WORST.find((status) => said.includes(status));
}

/** docs/checks.md, from the table of checks and what it said of the planted models. */
export function checksPage(rows: readonly { readonly planted: Planted; readonly result: Result }[]): string {
  const numbers = CHECKS.map((_, i) => String(i + 1));
  const matrix = rows.map(({ planted: { name, about }, result }) => {
    const marks = CHECKS.map(({ id }) => MARKS[statusOf(result, id) ?? "skipped"]);
    return `| **${name}**: ${about} | ${marks.join(" | ")} | ${result.badge} |`;
  });
  const definitions = CHECKS.map(({ id, rule, source, remedy, needs }, i) => {
    const option = needs === undefined ? "" : ` (\`--${needs}\`)`;
    return `**${i + 1}. \`${id}\`**${option}: ${rule}\n*Try:* ${remedy}\n*Source:* ${source}.\n`;
  });
  return `# Checks

A robust accuracy is only as good as the attacks behind it. \`assess\` therefore checks the model, the attacks and its own figures. Each check
says \`pass\`, \`warn\`, \`fail\` or \`skipped\`, what it saw, and what to try. **A failed check withdraws the headline**: reports show the figure
struck through, with the reason. This page is written by \`src/assess/checks/planted.test.ts\`.

Checks work on the audit subset (a seeded fifth of the samples, 20 to 200), so that their cost is bounded. Those marked \`--audit\` and
\`--active\` cost as much as further attacks and run only with that option.

## Badge

| badge | earned by |
| --- | --- |
| E0 unaudited | a run cut short or without checks, or one with a failed check |
| E1 sane | nothing failed; \`quick\` and single attacks end here |
| E2 converged | \`standard --audit\` with nothing lowered, and neither \`convergence-steps\` nor \`convergence-restarts\` warns |
| E3 active | also \`--active\`: \`binarization\` and \`planted-masks\` pass under every threat |
| E4 adaptive | never by a run alone: needs an attack made for this defense, and a person who signs |

## The checks

${definitions.join("\n")}
A run that was cut short adds \`all-samples-finished\`: samples that fall are finished first, so only a range can be said.
A model that can only be asked adds \`target-unchanged\`: fixed probes are asked before and after the run, and another answer fails.
A model that \`harden\` wrote adds \`not-trained-on\`: data that it was trained on, or whose epoch was chosen by it, are refused; with
\`--allow-overlap\` the check fails.

Three questions of the protocol need no check, because the runner leaves no other way: an adversarial input counts only after rounding,
constraints and the original model alone have confirmed it; any iterate counts, not only the last; and a sample stands only if it stands under every attack.

## Does each check see what it is for?

Each row is a small model built for this test and attacked as its description says; labels are the model's own. **F** failed, W warned, · passed,
blank: skipped, or not part of that run. The test fails if a check in this table no longer trips on the models planted for it, or complains of the honest one.

| model | ${numbers.join(" | ")} | badge |
| --- | ${numbers.map(() => "---").join(" | ")} | --- |
${matrix.join("\n")}

## What planted masks are

\`--active\` also puts masks before and behind *your* model: its logits times 10,000, its input rounded to 8 bits by operators that gradients pass
straight through, its input rounded by one whose gradient is zero. None changes what the model answers to an 8-bit input, so the attacks must
break as many samples as before. Masks that change the model's function (the sign of the input, fewer levels, k winners take all, a
distilled temperature) have no true accuracy to compare with: they are tested in the matrix above, on models of our own.
`;
}
