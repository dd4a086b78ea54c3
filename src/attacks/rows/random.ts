/** Legal rows at random: what a search that knows anything must beat, and all that labels alone allow where not every row can be tried. */
import { defineLabelAttack, type LabelSample } from "../attack.ts";

export type RowRandomSettings = { readonly queries: number };

async function runRandom(sample: LabelSample, { queries }: RowRandomSettings): Promise<void> {
  const { x0, threat, rng } = sample;
  for (let query = 0; query < queries; query++) await sample.misleads(threat.randomPoint(x0, rng));
}

export const rowRandom = defineLabelAttack<RowRandomSettings>({
  name: "row-random",
  summary: "random legal changes of K fields of a row, by labels alone",
  source: "own",
  defaults: { queries: 1000 },
  norms: ["fields"],
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  run: runRandom,
});
