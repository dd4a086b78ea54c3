import { visible } from "./visible.ts";

/** Text that is HTML already. Only `html` makes it, so whatever else is put into a page has been escaped. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Content = string | number | Markup | null | undefined | false | readonly Content[];

/**
 * A template whose fixed parts are HTML and whose values are text: strings are escaped, markup is taken as it is, lists are joined,
 * null, undefined and false are nothing. Values belong into elements and into double-quoted attributes, nowhere else.
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  let text = parts[0]!;
  values.forEach((value, i) => {
    text += written(value) + parts[i + 1]!;
  });
  return new Markup(text);
}

function written(value: Content): string {
  if (value === null || value === undefined || value === false) return "";
  if (value instanceof Markup) return value.text;
  if (typeof value === "object") return value.map(written).join("");
  return escapeText(String(value));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** The one way from text to HTML: what HTML would read as markup becomes entities, what nobody would see is written as its code point. */
export function escapeText(text: string): string {
  return visible(text).replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign]!);
}

/** A name that somebody chose (of a class, a file, a sample): its direction of writing must not reorder what stands around it. */
export function named(text: string): Markup {
  return html`<bdi>${text}</bdi>`;
}
