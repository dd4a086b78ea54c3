import { align } from "../../inputs/text/align.ts";
import { textOf, textPoint } from "../../inputs/text/code-points.ts";
import { applyEdits } from "../../inputs/text/edits.ts";
import { segments } from "../../inputs/text/segments.ts";
import type { Threat } from "../../threats/threat.ts";

/**
 * Takes back every edit that is not needed, the largest first, until no single one can be: the original model, alone, is asked each time. At most
 * n (n + 1) / 2 passes for n edits.
 * @param confirmed what the original model gives, or null where that is no success
 */
export async function fewestEdits<Scores>(
  start: { readonly point: Float32Array; readonly scores: Scores },
  x0: Float32Array,
  threat: Threat,
  confirmed: (point: Float32Array) => Promise<Scores | null>,
): Promise<{ readonly point: Float32Array; readonly scores: Scores }> {
  const parts = segments(textOf(x0));
  const { characters } = parts;
  let best = start;
  let { edits } = align(parts, [...textOf(start.point)], { limits: threat.text! })!;
  for (let gained = true; gained && edits.length > 1; ) {
    gained = false;
    const bySize = [...edits].sort((a, b) => b.end - b.start - (a.end - a.start) || a.start - b.start);
    for (const edit of bySize) {
      if (edits.length === 1) break;
      const fewer = edits.filter((other) => other !== edit);
      const text = applyEdits(characters, fewer);
      if ([...text].length > x0.length) continue;
      const point = textPoint(text, x0.length);
      if (threat.violation(point, x0) !== null) continue;
      const scores = await confirmed(point);
      if (scores === null) continue;
      best = { point, scores };
      edits = fewer;
      gained = true;
    }
  }
  return best;
}
