import type { Finding } from "../assess/schema.ts";
import type { StoredRun } from "../assess/store.ts";
import { readUtf8 } from "../inputs/text/text-codec.ts";
import { visible } from "./visible.ts";

type Edits = NonNullable<Finding["perturbation"]["location"]["edits"]>;
export type Edit = Edits[number];

/** What a person would call an edit, with what cannot be seen of it written as code points. */
export function editText({ kind, from, to }: Pick<Edit, "kind" | "from" | "to">): string {
  const [was, is] = [from, to].map(quoted) as [string, string];
  switch (kind) {
    case "invisible":
      return `${is} inserted`;
    case "homoglyph":
      return `${was} became ${is} (${codes(to)})`;
    case "reordering":
      return `${was} turned around and shown in its old order`;
    case "space":
      return from === "" ? "a blank inserted" : "a blank left out";
    case "deletion":
      return `${was} left out`;
    case "insertion":
      return `${is} inserted`;
    default:
      return `${was} became ${is}`;
  }
}

function quoted(text: string): string {
  const shown = visible(text);
  return shown !== text && /^(\[U\+[0-9A-F]+\])+$/.test(shown) ? shown : `'${shown}'`;
}

function codes(text: string): string {
  return [...text].map((one) => `U+${one.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`).join(" ");
}

/** A piece of a text: as it was, or what an edit made of it. */
export interface Piece {
  readonly text: string;
  readonly edit: PlacedEdit | null;
}

/** An edit, and where in the original it is: [start, end) in code points. */
export type PlacedEdit = Pick<Edit, "kind" | "from" | "to" | "start" | "end">;

/** The original in pieces; those of an edit hold what stood there before it. */
export function piecesBefore(original: string, edits: readonly PlacedEdit[]): Piece[] {
  return pieces(original, edits, ({ from }) => from);
}

/** The changed text in pieces. */
export function piecesAfter(original: string, edits: readonly PlacedEdit[]): Piece[] {
  return pieces(original, edits, ({ to }) => to);
}

function pieces(original: string, edits: readonly PlacedEdit[], shown: (edit: PlacedEdit) => string): Piece[] {
  const characters = [...original];
  const result: Piece[] = [];
  let at = 0;
  for (const edit of edits) {
    if (edit.start > at) result.push({ text: characters.slice(at, edit.start).join(""), edit: null });
    result.push({ text: shown(edit), edit });
    at = edit.end;
  }
  if (at < characters.length) result.push({ text: characters.slice(at).join(""), edit: null });
  return result;
}

/** The clean texts of findings about texts, where they were stored and can be read. */
export async function cleanTexts(findings: readonly Finding[], blob: StoredRun["blob"]): Promise<Map<Finding, string>> {
  const texts = new Map<Finding, string>();
  for (const finding of findings) {
    const path = finding.perturbation.blob?.original;
    if (finding.subject.modality !== "text" || path === undefined) continue;
    const bytes = await blob(path);
    try {
      if (bytes !== null) texts.set(finding, readUtf8(bytes));
    } catch {
      // It is shown as missing: the rest of the report stands.
    }
  }
  return texts;
}

/** How many of these findings each normalization would have stopped without harm to the clean text, the most useful first. */
export function defenseCounts(
  findings: readonly Finding[],
): { readonly name: string; readonly stops: number; readonly of: number }[] {
  const judged = findings.filter(({ defenses }) => defenses !== undefined);
  const counts = new Map<string, number>();
  for (const { defenses = [] } of judged)
    for (const { name, stops, cleanStands } of defenses)
      counts.set(name, (counts.get(name) ?? 0) + (stops && cleanStands ? 1 : 0));
  return [...counts].map(([name, stops]) => ({ name, stops, of: judged.length })).sort((a, b) => b.stops - a.stops);
}
