import type { Result, SampleLine } from "../../assess/schema.ts";
import { tableOf } from "../charts/figure.ts";
import { grouped, percent, plural } from "../format.ts";
import { type Content, html, type Markup, named } from "../markup.ts";
import { className, mistake } from "./view.ts";

/** A matrix up to here; beyond it nobody reads one. */
const MATRIX_CLASSES = 20;
const PAIRS = 20;

interface Pair {
  readonly label: number;
  readonly wrong: number;
  readonly count: number;
}

/** Which class becomes which under attack: counts of samples, from the lines of one threat. */
export function confusion(result: Result, lines: readonly SampleLine[], key: string): Content {
  const counts = new Map<string, Pair>();
  for (const { status, label, predicted } of lines) {
    if (status !== "fooled" || predicted.after === null) continue;
    const name = `${label}>${predicted.after}`;
    counts.set(name, { label, wrong: predicted.after, count: (counts.get(name)?.count ?? 0) + 1 });
  }
  if (counts.size === 0) return null;
  const pairs = [...counts.values()].sort((a, b) => b.count - a.count || a.label - b.label || a.wrong - b.wrong);
  const body =
    result.model.classes.length <= MATRIX_CLASSES ? matrix(result, pairs, lines) : list(result, pairs, lines);
  return html`<figure class="chart" id="${key}-confusion"><figcaption>Which class becomes which</figcaption>${body}</figure>`;
}

/** Shades by share of the row's attacked samples, in four steps. */
function shade(share: number): string {
  return share > 0.5 ? "h4" : share > 0.25 ? "h3" : share > 0.1 ? "h2" : "h1";
}

function attackedOf(lines: readonly SampleLine[], label: number): SampleLine[] {
  return lines.filter((line) => line.label === label && line.status !== "misclassified");
}

function link(result: Result, { label, wrong, count }: Pair): Markup {
  const names = `${className(result, label)} → ${className(result, wrong)}`;
  return html`<a href="#all" data-find="${names}" aria-label="${plural(count, "sample")}: ${names}">${grouped(count)}</a>`;
}

function matrix(result: Result, pairs: readonly Pair[], lines: readonly SampleLine[]): Markup {
  const { classes } = result.model;
  const used = classes
    .map((_, label) => label)
    .filter((label) => lines.some((line) => line.label === label) || pairs.some(({ wrong }) => wrong === label));
  const head = used.map((label) => html`<th scope="col"><span>${named(className(result, label))}</span></th>`);
  const rows = used.map((label) => {
    const attacked = attackedOf(lines, label);
    const cells = used.map((wrong) => {
      if (wrong === label)
        return html`<td class="kept">${grouped(attacked.filter(({ status }) => status !== "fooled").length)}</td>`;
      const pair = pairs.find((one) => one.label === label && one.wrong === wrong);
      return pair === undefined
        ? html`<td></td>`
        : html`<td class="${shade(pair.count / attacked.length)}">${link(result, pair)}</td>`;
    });
    return html`<tr><th scope="row">${named(className(result, label))}</th>${cells}</tr>\n`;
  });
  return html`<p class="muted small">A row for each true class; in the gray cells the samples that stand. Color: share of the row. A number leads to its findings.</p>
<div class="scroll matrix" role="region" aria-label="Which class becomes which" tabindex="0"><table><thead><tr><td></td>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

function list(result: Result, pairs: readonly Pair[], lines: readonly SampleLine[]): Markup {
  const shown = pairs.slice(0, PAIRS);
  const rest = pairs.length - shown.length;
  const rows = shown.map((pair) => {
    const attacked = attackedOf(lines, pair.label).length;
    return [
      mistake(result, pair.label, pair.wrong),
      link(result, pair),
      grouped(attacked),
      percent(pair.count / attacked),
    ];
  });
  const columns = [
    { name: "Mistake" },
    { name: "Samples", numeric: true },
    { name: "Attacked of that class", numeric: true },
    { name: "Share", numeric: true },
  ];
  return html`<p class="muted small">The ${plural(shown.length, "pair")} of classes that occurred most${rest > 0 && `, of ${grouped(pairs.length)}`}. A number leads to its findings.</p>
${tableOf({ columns, rows }, "Which class becomes which")}`;
}
