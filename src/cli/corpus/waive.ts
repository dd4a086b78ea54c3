import { BlindspotError } from "../../base/errors.ts";
import { type Given, requireOptions } from "../options.ts";
import { actor, openCorpus } from "./open.ts";

/** Lets a sample pass a gate until a day: who answers for it, and why, stays in the corpus. */
export async function run(options: Given, [prefix]: readonly string[]): Promise<number> {
  const given = requireOptions(options, ["reason", "until"], "corpus waive");
  const corpus = await openCorpus(given);
  const { id, forgotten } = await corpus.find(prefix!);
  if (forgotten !== null)
    throw new BlindspotError({ code: "E_CORPUS_FORGOTTEN", subject: `sample ${id.slice(0, 12)}` });
  const event = { event: "waived", by: actor(given), reason: given.reason, until: given.until } as const;
  await corpus.append(id, event);
  const isOver = event.until < new Date().toISOString().slice(0, 10);
  process.stdout.write(
    given.json
      ? `${JSON.stringify({ id, ...event }, null, 2)}\n`
      : `Waived ${id.slice(0, 12)} until ${event.until}, by ${event.by}. ${isOver ? "That day is past: it fails the gate" : "After that day it fails the gate again"}.\n`,
  );
  return 0;
}
