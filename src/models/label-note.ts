import type { Model } from "../graph/ir.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { DeployedModel } from "./deployed.ts";
import type { ScoreHead } from "./score-head.ts";

const LABELS: ReadonlySet<string | null> = new Set(["int64", "string"]);

/**
 * Classifiers of scikit-learn say their class in one output and its scores in another. Blindspot takes the class of the highest score: where the two differ on made-up rows, that is told.
 * Null where they agree, or there is no such output.
 */
export async function labelNote(
  model: Model,
  head: ScoreHead,
  deployed: Pick<DeployedModel, "run" | "scores">,
  rows: readonly Float32Array[],
): Promise<string | null> {
  if (head.kind === "label") return null;
  const label = model.graph.outputs.find(({ name, dtype }) => name !== head.output && LABELS.has(dtype));
  const names = label === undefined ? null : classNamesIn(model, label.dtype as "int64" | "string", head.classes);
  if (label === undefined || names === null) return null;
  let differing = 0;
  for (const row of rows) {
    const [said] = Array.from((await deployed.run(row, [label.name]))[label.name]!.data as ArrayLike<unknown>);
    const scores = await deployed.scores(row, head);
    const index = names.indexOf(String(said));
    if (index < 0) return null;
    if (scores[index]! < Math.max(...scores)) differing++;
  }
  return differing === 0
    ? null
    : `its output '${label.name}' is not the class of the highest score, which decides here, on ${differing} of ${rows.length} made-up inputs`;
}

/** The names among which a label is one, in the order of the scores: what a classifier of the file lists, or a constant of as many. */
function classNamesIn({ graph }: Model, dtype: "int64" | "string", count: number): readonly string[] | null {
  const listed = graph.nodes.flatMap(({ attributes }) =>
    ["classlabels_ints", "classlabels_int64s", "classlabels_strings"].flatMap((name) => {
      const given = attributes.get(name);
      const fits = given?.type === (dtype === "string" ? "strings" : "ints");
      return fits ? [(given as { value: readonly unknown[] }).value.map(String)] : [];
    }),
  );
  const held = graph.initializers.flatMap(({ constant }) => (constant?.dtype === dtype ? [textsOf(constant)] : []));
  const fitting = [...listed, ...held].filter(({ length }) => length === count);
  const [first] = fitting;
  // Several that differ: nothing is known.
  return first !== undefined && fitting.every((one) => one.join("\n") === first.join("\n")) ? first : null;
}

function textsOf({ data }: Tensor): readonly string[] {
  return Array.from(data as ArrayLike<unknown>, String);
}
