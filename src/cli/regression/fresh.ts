import { join } from "node:path";
import { assess } from "../../assess/assess.ts";
import { openRunDirectory } from "../../assess/files.ts";
import { sha256 } from "../../base/hash.ts";
import { freshOf } from "../../regression/fresh.ts";
import type { GateResult } from "../../regression/schema.ts";
import { compareFolders } from "../compare-folders.ts";
import { codecFor, openTarget } from "../open.ts";
import type { Given } from "../options.ts";
import { planOptions } from "../plan-options.ts";
import { version } from "../version.ts";
import type { Session } from "./session.ts";

/** Runs on random sets, each under the hash of what decides its outcome: a version that was attacked before costs nothing. */
const RUNS = join(".blindspot", "fresh");
const SAMPLES = 200;

/**
 * Attacks a frozen random set afresh on both versions, with equal effort. Null where no data is given.
 * @param threats what the corpus was found under, where `--threat` says nothing
 */
export async function attackFresh(
  given: Given & { readonly model: string; readonly against: string },
  threats: readonly string[],
  { progress, options }: Session,
): Promise<GateResult["fresh"]> {
  const { data } = given;
  if (data === undefined) return null;
  const folders: string[] = [];
  for (const model of [given.against, given.model]) {
    const own = { ...given, model, data, threat: given.threat ?? threats, samples: given.samples ?? SAMPLES };
    const target = await openTarget(own);
    try {
      const { directory } = await assess({
        ...planOptions(target, own),
        facts: target.facts,
        codec: codecFor(target.data),
        // Checks look at one version; here two are compared.
        checks: false,
        store: (identity) => openRunDirectory(join(RUNS, sha256(JSON.stringify(identity)).slice(0, 16)), identity),
        options: own,
        toolVersion: version(),
        signal: options.signal,
        onEvent: (event) => {
          if (event.kind === "progress")
            progress.update(
              () => `fresh set on ${target.facts.name}: ${event.done} of ${event.of}, ${event.fooled} fooled`,
            );
        },
      });
      folders.push(directory!);
    } finally {
      await target.close();
    }
  }
  const [before, after] = folders as [string, string];
  return freshOf(await compareFolders(before, after, {}));
}
