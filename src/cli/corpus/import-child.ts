/** The process in which foreign files are opened: see `confined.ts`. What it finds goes to its parent, one sample at a time; it writes nothing. */
import { BlindspotError, type Problem } from "../../base/errors.ts";
import { Corpus } from "../../corpus/corpus.ts";
import { diskFolder } from "../../corpus/files.ts";
import type { Claim } from "../../corpus/incoming.ts";
import type { Kind, ModelRecord } from "../../corpus/schema.ts";
import { nodeRuntime } from "../../runtime/node.ts";
import { watchMemory } from "../confined.ts";
import { messageOf } from "../failure.ts";
import { classNames, openModelFile, openSchema } from "../open.ts";
import type { Given } from "../options.ts";
import { dataRange } from "../ranges.ts";
import { type Replayed, type ReplayModel, replayed } from "./import-replay.ts";
import { openImport } from "./import-source.ts";
import { loadKnown, readAs } from "./model.ts";

export interface ImportJob {
  readonly given: Given;
  readonly spec: string;
  readonly kind: Kind;
  /** Where the corpus lies; it is only read. */
  readonly corpus: string;
  /** Position to begin at. */
  readonly from: number;
}

export type ImportMessage =
  | { readonly type: "model"; readonly record: Omit<ModelRecord, "schema"> }
  | { readonly type: "claim"; readonly claim: Claim; readonly replayed: Replayed | null }
  | { readonly type: "problem"; readonly problem: string }
  | { readonly type: "failed"; readonly problems: readonly Problem[] }
  | { readonly type: "done" };

/** Sends a message and waits until it is taken: so that the parent knows which sample was under way if this process ends. */
function tell(message: ImportMessage): Promise<void> {
  return new Promise((resolve) => {
    process.once("message", () => resolve());
    process.send!(message);
  });
}

async function work({ given, spec, kind, corpus: directory, from }: ImportJob): Promise<void> {
  const corpus = await Corpus.open(await diskFolder(directory));
  const opened = given.model === undefined ? null : await openModelFile(given.model);
  const records = opened === null ? [] : await corpus.models();
  const recorded = opened === null || records.length === 0 ? null : readAs(records, [opened.sha256], given.model!);
  const read: Given = { ...(recorded?.preprocessing as Given | undefined), ...given };
  const classes = given.classes === undefined ? recorded?.classes : await classNames(given.classes);
  const rows = given.schema === undefined ? undefined : await openSchema(given.schema, given);
  const source = await openImport(spec, {
    kind,
    ...(given.clean === undefined ? {} : { clean: given.clean }),
    ...(classes === undefined ? {} : { classes }),
    ...(rows === undefined ? {} : { rows }),
    ...(read.inputRange === undefined ? {} : { inputRange: dataRange(read.inputRange) }),
  });
  let model: ReplayModel | null = null;
  if (opened !== null) {
    const known = recorded ?? source.shape;
    if (known === null)
      throw new BlindspotError({
        code: "E_CORPUS_MODEL",
        subject: given.model!,
        expected: "a corpus that knows how this model is read",
        hint: "Assess it first, with --corpus; or import without --model",
      });
    const runtime = await nodeRuntime({ workers: 1 });
    const loaded = await loadKnown(opened, { preprocessing: {}, ...known }, given, runtime);
    model = { ...loaded, name: opened.label };
    await tell({ type: "model", record: loaded.record });
  }
  for await (const claimed of source.claims(from)) {
    try {
      const claim = await claimed();
      const answer = model === null ? null : await replayed(claim, model, given.threat?.[0]);
      await tell({ type: "claim", claim, replayed: answer });
    } catch (error) {
      if (!(error instanceof BlindspotError)) throw error;
      await tell({ type: "problem", problem: error.message });
    }
  }
  await tell({ type: "done" });
}

watchMemory();
process.once("message", (job: ImportJob) => {
  work(job)
    .catch((error: unknown) =>
      tell({
        type: "failed",
        problems:
          error instanceof BlindspotError
            ? error.problems
            : [{ code: "E_IMPORT", subject: job.spec, got: messageOf(error, false) }],
      }),
    )
    .finally(() => process.exit());
});
