import { textChange } from "../inputs/text/text-change.ts";
import { editText, type Piece, type PlacedEdit, piecesAfter, piecesBefore } from "./edits.ts";
import { type Content, html, type Markup, named } from "./markup.ts";
import type { Pictures } from "./picture.ts";

/** What a page shows of one sample, beside words. */
export type Shown =
  | { readonly kind: "pictures"; readonly pictures: Pictures }
  /** Of an input that nothing clean stands beside. */
  | { readonly kind: "picture"; readonly source: string; readonly width: number; readonly height: number }
  | { readonly kind: "texts"; readonly before: string | null; readonly after: string }
  | { readonly kind: "changes"; readonly changes: readonly string[] };

export function shownMarkup(shown: Shown): Markup {
  switch (shown.kind) {
    case "pictures":
      return shots(shown.pictures);
    case "picture":
      return html`<div class="shots">${shot(shown.source, "input", shown)}</div>`;
    case "texts":
      return shown.before === null
        ? html`<div class="texts"><h4>Text</h4><p dir="ltr">${cut([{ text: shown.after, edit: null }]).map(({ text }) => text)}</p></div>`
        : changedText(shown.before, shown.after);
    case "changes":
      return html`<div><p class="muted small">changed in the clean input</p><ul class="plain">${shown.changes.map((text) => html`<li>${named(text)}</li>`)}</ul></div>`;
  }
}

function shots({ before, after, change, amplified, ...size }: Pictures): Markup {
  return html`<div class="shots">${shot(before, "clean", size)}${shot(after, "input", size)}${shot(change, `change, ${amplified} times`, size)}</div>`;
}

function shot(source: string, caption: string, { width, height }: { width: number; height: number }): Markup {
  return html`<figure><img class="pixels" src="${source}" width="${width}" height="${height}" alt="${caption}"><figcaption>${caption}</figcaption></figure>`;
}

/** Two texts, one made from the other: both whole, with the edits that lead from one to the other. */
function changedText(before: string, after: string): Markup {
  const edits = textChange(after, before).edits.map(({ original, replacement, ...edit }) => ({
    ...edit,
    from: original,
    to: replacement,
  }));
  return markedTexts(before, edits);
}

/** The text before and after, with its edits marked. */
export function markedTexts(original: string, edits: readonly PlacedEdit[], below: Content = null): Markup {
  const marked = (piece: Piece, tag: "del" | "ins") =>
    piece.edit === null || piece.text === ""
      ? html`${piece.text}`
      : tag === "del"
        ? html`<del>${piece.text}</del>`
        : html`<ins title="${editText(piece.edit)}">${piece.text}</ins>`;
  const told = (pieces: readonly Piece[], tag: "del" | "ins") => cut(pieces).map((piece) => marked(piece, tag));
  return html`<div class="texts"><h4>Text before</h4><p dir="ltr">${told(piecesBefore(original, edits), "del")}</p><h4>Text after</h4><p dir="ltr">${told(piecesAfter(original, edits), "ins")}</p>${below}</div>`;
}

/** Code points that are shown whole; of a longer text what stands around its edits, so many on either side, and so many edits. */
const WHOLE = 2000;
const AROUND = 120;
const MOST_PIECES = 60;

/** The pieces, with what is left out of them named in its place. */
export function cut(pieces: readonly Piece[]): Piece[] {
  const length = pieces.reduce((sum, { text }) => sum + text.length, 0);
  if (length <= WHOLE) return [...pieces];
  const kept = pieces.slice(0, MOST_PIECES).map(({ text, edit }): Piece => {
    const characters = [...text];
    const left = characters.length - 2 * AROUND;
    if (left <= 0) return { text, edit };
    const [head, tail] = [characters.slice(0, AROUND), characters.slice(-AROUND)].map((part) => part.join(""));
    return { text: `${head} [… ${left} characters …] ${tail}`, edit };
  });
  const more = pieces.slice(MOST_PIECES).reduce((sum, { text }) => sum + [...text].length, 0);
  return more === 0 ? kept : [...kept, { text: ` [… ${more} characters …]`, edit: null }];
}
