import type { CorpusStatistics } from "../../corpus/statistics.ts";
import type { CorpusSummary } from "../../corpus/summary.ts";
import { tableOf } from "../charts/figure.ts";
import { growthChart } from "../charts/growth.ts";
import { grouped, plural } from "../format.ts";
import { type Content, html, named } from "../markup.ts";

/** Versions in a table. */
const LINES = 12;

/** `120 samples (110 adversarial, 10 natural), 34 boundary cells, the last new one on 2026-01-02`. */
export function summaryText({ samples, kinds, coverage, lastNewCell }: CorpusSummary): string {
  const cells = coverage.reduce((sum, one) => sum + one.cells, 0);
  const of = kinds.map((one) => `${grouped(one.samples)} ${one.name}`).join(", ");
  const last = lastNewCell === null ? "" : `, the last new one on ${lastNewCell.slice(0, 10)}`;
  return `${plural(samples, "sample")}${of === "" ? "" : ` (${of})`}, ${plural(cells, "boundary cell")}${last}`;
}

/** What came with each version; null where none failed yet. */
export function growthSection({
  models,
}: {
  readonly models: CorpusSummary["models"] | CorpusStatistics["models"];
}): Content {
  if (models.length === 0) return null;
  const steps = models.map(({ name, isNew, newCells }) => ({ name, samples: isNew, cells: newCells }));
  const [samples, cells] = [
    steps.reduce((sum, one) => sum + one.samples, 0),
    steps.reduce((sum, one) => sum + one.cells, 0),
  ];
  const chart = growthChart(
    {
      id: "growth-chart",
      title: "Samples and boundary cells, version after version",
      description: `After ${plural(models.length, "version")}: ${plural(samples, "sample")}, ${plural(cells, "boundary cell")}.`,
    },
    steps,
  );
  const rows = models
    .map(({ name, samples: all, isNew, newCells }, i) => [
      html`${i + 1}. ${named(name)}`,
      grouped(all),
      grouped(isNew),
      grouped(newCells),
    ])
    .slice(-LINES);
  const columns = ["Fails on", "New", "New cells"].map((name) => ({ name, numeric: true }));
  const box = html`<div class="box">${tableOf({ columns: [{ name: "Version" }, ...columns], rows }, "Versions")}${models.length > LINES && html`<p class="muted small">The last ${LINES}; the figures of the chart have all.</p>`}</div>`;
  // One version is no growth yet.
  return html`<p>A version brings the samples that none before it failed on, and the ways to fail that none before it had shown.</p>
${models.length === 1 ? box : html`<div class="pair">${chart}${box}</div>`}`;
}

/** Which ways to fail have samples; null where none has. */
export function coverageSection({
  coverage: families,
}: {
  readonly coverage: CorpusSummary["coverage"] | CorpusStatistics["coverage"];
}): Content {
  if (families.length === 0) return null;
  const rows = families.map(({ family, cells, of, samples, once }) => [
    family,
    grouped(cells),
    of === null ? "" : grouped(of),
    grouped(samples),
    grouped(once),
  ]);
  const columns = ["Cells with samples", "There could be", "Samples in them", "Seen once"].map((name) => ({
    name,
    numeric: true,
  }));
  return html`<p>A cell is one way to fail. Only trusted samples count; where nobody knows how many cells there could be, nothing is said.</p>
<div class="box">${tableOf({ columns: [{ name: "Family" }, ...columns], rows }, "Boundary cells")}</div>`;
}
