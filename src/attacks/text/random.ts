/** As many edits as the threat allows, at random places: what labels alone allow where not every text can be tried. */
import { defineLabelAttack, type LabelSample } from "../attack.ts";
import { labelSearch, toItsEnd } from "./search.ts";

export type TextRandomSettings = {
  readonly queries: number;
};

/** Draws in a row that bring nothing new before the search gives up. */
const STALE = 50;

async function runRandom(sample: LabelSample, { queries }: TextRandomSettings): Promise<void> {
  const asked = labelSearch(sample, queries);
  await toItsEnd(async () => {
    for (let stale = 0; stale < STALE; ) {
      const { left } = asked;
      await asked.answer(asked.space.text(asked.space.random(sample.rng)));
      stale = asked.left < left ? 0 : stale + 1;
    }
  });
}

export const textRandom = defineLabelAttack<TextRandomSettings>({
  name: "text-random",
  summary: "random edits of a text, as many as are allowed, by labels alone",
  source: "own",
  defaults: { queries: 500 },
  norms: ["text"],
  cost: ({ queries }) => ({ queries, gradients: 0 }),
  run: runRandom,
});
