import { effortChart } from "../report/charts/effort.ts";
import { LOOKS } from "../report/charts/series.ts";
import { html, Markup } from "../report/markup.ts";
import { STYLE } from "../report/one-page/style.ts";
import { drawChange } from "../report/picture.ts";
import type { Lesson, LessonChart, LessonTable } from "./lesson.ts";
import { lineChart } from "./line-chart.ts";
import { isText } from "./print.ts";

const POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/** What the sheet of the one-page report does not have: charts, and figures in the middle of tables. */
const OWN_STYLE = new Markup(`
.columns{align-items:start}
.columns>div{display:grid;gap:3.4mm}
.evidence{columns:2;column-gap:7mm}
.evidence>*{break-inside:avoid;margin-bottom:3mm}
.concepts dt,.concepts dd{display:inline}
.concepts dt::after{content:": "}.concepts dd::after{content:"\\A";white-space:pre}
th,td{padding-right:2mm}
th,td{overflow-wrap:break-word}
th:last-child,td:last-child{width:auto}
.triptych{gap:2.4mm}
.chart figcaption{font-size:8pt;text-align:left;color:var(--text);font-weight:650}
.chart svg{display:block;width:100%;height:auto;overflow:visible}
svg text{fill:var(--text);font-size:12.5px}svg .tick{fill:var(--muted);font-size:11.5px}svg .name{fill:currentColor;font-weight:650}
.grid{stroke:var(--line);fill:none}.threshold{stroke:var(--muted);stroke-dasharray:4 4;fill:none}
.line{fill:none;stroke:currentColor;stroke-width:2.25;stroke-linejoin:round}.mark{fill:currentColor;stroke:#fff}
.c-white-box{color:var(--wrong)}.c-score{color:var(--accent)}.c-label{color:var(--right)}.c-transfer{color:var(--other)}
summary{color:var(--accent);cursor:pointer}caption{text-align:left;font-weight:650;padding-bottom:.6mm}
li+li{margin-top:.7mm}ol,ul{padding-left:4.6mm}.facts{display:grid;grid-template-columns:auto 1fr;gap:.6mm 3mm}.facts dt{color:var(--muted);font-weight:400}
.outcome li{font-weight:650}
main{height:auto;min-height:296mm;overflow:visible}
@media print{.chart details{display:none}}
@media screen and (max-width:800px){main{min-height:0}.evidence{columns:1}th:last-child,td:last-child{display:table-cell}}
`);

/** The lesson on one sheet of A4: the same form for every exercise. Nothing is loaded from anywhere. */
export async function lessonPage(lesson: Lesson): Promise<string> {
  const { exercise, title, question, concepts, conditions, actions, outcomes, tables, charts, next } = lesson;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${POLICY}"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title><style>${STYLE}${OWN_STYLE}</style></head>
<body><main>
<header><div><p class="eyebrow">Blindspot exercise: ${exercise}</p><h1>${title}</h1><p>${question}</p></div></header>
<div class="columns"><div><section class="concepts"><h2>Key concepts</h2><dl>${concepts.map(({ term, meaning }) => html`<dt>${term}</dt><dd>${meaning}</dd>`)}</dl></section>
<section class="procedure"><h2>Actions</h2><ol>${actions.map((action) => html`<li>${action}</li>`)}</ol></section></div>
<div><section><h2>Input conditions</h2><dl class="facts">${conditions.map(({ name, value }) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl></section>
<section class="outcome"><h2>Outcomes</h2><ul>${outcomes.map((outcome) => html`<li>${outcome}</li>`)}</ul></section></div></div>
<div class="evidence">${await pictures(lesson)}${charts.map(chart)}${tables.map(tableOf)}</div>
<section><h2>Look at next</h2><ul>${next.map(({ text, command }) => html`<li>${text}${command !== undefined && html`<br><code>${command}</code>`}</li>`)}</ul></section>
</main></body></html>
`.text;
}

async function pictures({ pictures: pair }: Lesson): Promise<Markup | null> {
  if (pair === null) return null;
  const { dims, captions } = pair;
  const drawn = await drawChange({ dims, values: pair.before }, { dims, values: pair.after });
  const picture = (source: string, caption: string) =>
    html`<figure><img src="${source}" alt="${caption}"><figcaption>${caption}</figcaption></figure>`;
  return html`<section><h2>Before, after, difference</h2><div class="triptych">${picture(drawn.before, captions.before)}${picture(drawn.after, captions.after)}${picture(drawn.change, `the difference, ${drawn.amplified} times as large; gray is no change`)}</div></section>`;
}

function chart(shown: LessonChart, number: number): Markup {
  const id = `chart-${number}`;
  if (shown.kind === "lines") return lineChart(id, shown);
  const { title, description, series } = shown;
  return effortChart(
    { id, title, description },
    series.map(({ name, knowledge, queries, attacked }) => ({ name, look: LOOKS[knowledge], queries, attacked })),
  );
}

function tableOf({ caption, columns, rows }: LessonTable): Markup {
  const side = (column: number) => !isText(rows, column) && html` class="n"`;
  return html`<table><caption>${caption}</caption><thead><tr>${columns.map((name, i) => html`<th scope="col"${side(i)}>${name}</th>`)}</tr></thead><tbody>${rows.map((row) => html`<tr>${row.map((cell, i) => html`<td${side(i)}>${cell}</td>`)}</tr>`)}</tbody></table>`;
}
