import { textPoint } from "../../inputs/text/code-points.ts";
import { applyEdits } from "../../inputs/text/edits.ts";
import { segmentsOf, wayTo } from "../../inputs/text/known.ts";
import type { Threat } from "../../threats/threat.ts";

/**
 * Takes back every edit that is not needed, the largest first, until no single one can be. Texts with one edit less are first asked together, and the original model,
 * alone, only about those that should do: at most n (n + 1) / 2 passes for n edits, and one for each edit that goes.
 * @param promising which texts mislead in a pass of many
 * @param confirmed what the original model gives, or null where that is no success
 */
export async function fewestEdits<Scores>(
  start: { readonly point: Float32Array; readonly scores: Scores },
  x0: Float32Array,
  threat: Threat,
  promising: (texts: readonly string[]) => Promise<readonly boolean[]>,
  confirmed: (point: Float32Array) => Promise<Scores | null>,
): Promise<{ readonly point: Float32Array; readonly scores: Scores }> {
  const { characters } = segmentsOf(x0);
  const size = x0.length;
  let best = start;
  let edits = wayTo(start.point, x0, threat.text!)!.edits;
  for (let gained = true; gained && edits.length > 1; ) {
    gained = false;
    const bySize = [...edits].sort((a, b) => b.end - b.start - (a.end - a.start) || a.start - b.start);
    const fewer = bySize.flatMap((edit) => {
      const others = edits.filter((other) => other !== edit);
      const text = applyEdits(characters, others);
      return [...text].length > size ? [] : [{ edits: others, text }];
    });
    const misleads = fewer.length === 0 ? [] : await promising(fewer.map(({ text }) => text));
    for (const one of fewer.filter((_, i) => misleads[i])) {
      const point = textPoint(one.text, size);
      // Some of the edits that are allowed are allowed, too: this costs as much as a pass, so it isn't asked of those that do nothing.
      if (threat.violation(point, x0) !== null) continue;
      const scores = await confirmed(point);
      if (scores === null) continue;
      best = { point, scores };
      edits = one.edits;
      gained = true;
      break;
    }
  }
  return best;
}
