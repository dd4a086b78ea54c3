import { attacks, suites } from "../../attacks/index.ts";
import { table } from "../../report/format.ts";
import type { Given } from "../options.ts";

const settingsText = (settings: object) =>
  Object.entries(settings)
    .map(([key, value]) => `${key}=${value}`)
    .join(" ");

export async function run(given: Given): Promise<number> {
  if (given.json) {
    const listed = attacks.map(({ name, knowledge, summary, source, defaults, norms }) => ({
      name,
      knowledge,
      summary,
      source,
      defaults,
      norms,
    }));
    process.stdout.write(`${JSON.stringify({ attacks: listed, suites }, null, 2)}\n`);
    return 0;
  }
  const rows = attacks.map(({ name, knowledge, norms, summary }) => [name, knowledge, norms.join(" "), summary]);
  const lines = [
    "Attacks",
    ...table(rows, ["left", "left", "left", "left"]).map((line) => `  ${line}`),
    "",
    "Settings (change one with --set attack.key=value)",
    ...table(
      attacks.map(({ name, defaults }) => [name, settingsText(defaults)]),
      ["left", "left"],
    ).map((line) => `  ${line}`),
    "",
    "Suites",
    ...suites.flatMap((suite) => [
      `  ${suite.name}: ${suite.summary}`,
      ...Object.entries(suite.attacks).map(
        ([knowledge, entries]) =>
          `    ${knowledge}: ${entries.map(({ attack, settings }) => `${attack}${settings ? ` (${settingsText(settings)})` : ""}`).join(", ")}`,
      ),
    ]),
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
  return 0;
}
