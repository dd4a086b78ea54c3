import { BlindspotError } from "../../base/errors.ts";
import { grouped } from "../../report/format.ts";
import { openTarget, type Target } from "../open.ts";
import type { Given } from "../options.ts";
import { requirePreprocessing } from "../preprocessing.ts";
import { isQueried } from "./is-queried.ts";
import { openQueriedTarget } from "./open-queried.ts";
import type { Sitting } from "./sitting.ts";
import { queriesToTrain } from "./surrogate-file.ts";
import { withTrainedSurrogate } from "./trained-surrogate.ts";

type AttackedGiven = Given & { readonly model: string; readonly data: string };

/** Any model that can be attacked, with its data and its surrogate; a file's preprocessing has been questioned. */
export async function openAttacked(given: AttackedGiven, sitting: Sitting): Promise<Target> {
  const queries = queriesToTrain(given.surrogate);
  if (queries === null) return openAny(given, sitting);
  const { surrogate: _, ...others } = given;
  const target = await openAny(others, sitting);
  try {
    return await withTrainedSurrogate(target, others, queries, sitting);
  } catch (error) {
    await target.close();
    throw error;
  }
}

async function openAny(given: AttackedGiven, sitting: Sitting): Promise<Target> {
  if (isQueried(given.model)) return openQueriedTarget(given, sitting);
  const target = await openTarget(given);
  try {
    await requirePreprocessing(target, given);
    return target;
  } catch (error) {
    await target.close();
    throw error;
  }
}

/**
 * Why a model that can only be asked answered no more before the run was finished: a line for the user where a budget was spent, an error
 * where the target failed. Null where it answered to the end, or where the user stopped the run.
 */
export function earlyEnd({ classifier }: Pick<Target, "classifier">): { line: string } | { error: unknown } | null {
  const reason: unknown = classifier.ended?.reason;
  if (classifier.ended?.aborted !== true) return null;
  if (!(reason instanceof BlindspotError) || !["E_BUDGET", "E_STOPPED"].includes(reason.code)) return { error: reason };
  if (reason.code === "E_STOPPED") return null;
  const { queries = 0 } = classifier.asked ?? {};
  return {
    line: `The budget is spent after ${grouped(queries)} queries. With a larger one, the same command with the same --out goes on; no answer is paid for twice.`,
  };
}
