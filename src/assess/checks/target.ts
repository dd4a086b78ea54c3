import type { Classifier } from "../../models/classifier.ts";
import type { Check } from "../schema.ts";

export const TARGET_UNCHANGED = "target-unchanged";

/**
 * Of a model that we do not hold: fixed probes are asked before and after a run. If they are answered otherwise, what was measured is of more
 * than one model.
 */
export async function targetUnchanged(classifier: Classifier): Promise<Check[]> {
  if (classifier.drift === undefined) return [];
  const check = (status: Check["status"], detail: string): Check => ({ id: TARGET_UNCHANGED, status, detail });
  try {
    const { differing, of } = await classifier.drift();
    if (differing === 0) return [check("pass", `${of} probes, before and after: the same answers`)];
    const detail = `target changed: ${differing} of ${of} probes were answered otherwise after the run than before it`;
    return [
      {
        ...check("fail", detail),
        try: "Have the model held still (no deployments, one replica), and begin a new run.",
      },
    ];
  } catch {
    return [check("skipped", "the probes could not be asked again: the run was stopped, or the target is gone")];
  }
}
