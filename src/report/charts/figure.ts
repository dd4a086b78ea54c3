import { type Content, html, type Markup } from "../markup.ts";

/** A chart for everybody: a picture with title and description, and its figures as a table. */
export interface Figure {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  /** What the chart shows, in one or two sentences: read aloud in place of the picture. */
  readonly description: string;
  readonly width: number;
  readonly height: number;
  /** SVG. Colors come from the classes of the page, so that both themes work. */
  readonly drawing: Content;
  readonly table: Table;
}

export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly Content[])[];
}

export interface Column {
  readonly name: Content;
  readonly numeric?: boolean;
}

export function figure({ id, title, description, width, height, drawing, table }: Figure): Markup {
  return html`<figure class="chart" id="${id}"><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${at(width)} ${at(height)}" role="img" aria-labelledby="${id}-t ${id}-d"><title id="${id}-t">${title}</title><desc id="${id}-d">${description}</desc>${drawing}</svg>
<details><summary>The figures as a table</summary>${tableOf(table, title)}</details></figure>
`;
}

/** A table in a box that scrolls by itself, also by keyboard, so that the page never does. */
export function tableOf({ columns, rows }: Table, label: string): Markup {
  const side = (column: number) => columns[column]?.numeric && html` class="n"`;
  const head = columns.map(({ name }, i) => html`<th scope="col"${side(i)}>${name}</th>`);
  const cell = (value: Content, i: number) =>
    i === 0 ? html`<th scope="row"${side(i)}>${value}</th>` : html`<td${side(i)}>${value}</td>`;
  const body = rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`);
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0"><table><thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table></div>`;
}

/** A coordinate with at most two decimals: the same text on every machine. */
export function at(value: number): string {
  return String(Math.round(value * 100) / 100);
}
