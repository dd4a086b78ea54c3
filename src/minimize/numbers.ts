import { norms } from "../inputs/measures/norms.ts";
import { type UnitAtoms, unitAtoms } from "./atoms.ts";
import { blocksTakenBack, bySizeThenWorth, bySweep } from "./blocks.ts";
import { shortened } from "./line.ts";
import { byGradient, bySize, prefixesTakenBack, singlesTakenBack } from "./prefixes.ts";
import type { Guarantee, Rank, Search, Strategy, Subject } from "./search.ts";
import { EXACT_ATOMS, neededAtoms } from "./subsets.ts";

/** From this share of changed pixels on a change counts as dense. */
const DENSE = 1 / 4;

/** Changed units, L2 in grey levels, largest change. */
function rank(x: Float32Array, clean: Float32Array, unit: number): Rank {
  const { l2, linf } = norms(x, clean);
  return [unitAtoms(clean, x, unit).count, 255 * l2, linf];
}

/** Few changes: the smallest set of them. More: runs of them, the least important first, then one by one. */
async function run(search: Search, unit: number): Promise<Guarantee> {
  const { clean, wrong, threat } = search.subject;
  const atoms = unitAtoms(clean, wrong, unit);
  if (atoms.count <= EXACT_ATOMS) return (await neededAtoms(search, atoms)).guarantee;
  await manyTakenBack(search, atoms);
  const singles = () => singlesTakenBack(search, (x) => unitAtoms(clean, x, unit));
  await singles();
  // Where the attacker is held to a length, what is left is made shorter: it may then need each of its parts less, so they are tried again.
  if (threat.norm === "l2" && (await shortened(search))) await singles();
  return "1-minimal";
}

async function manyTakenBack(search: Search, atoms: UnitAtoms): Promise<void> {
  const { codec, clean } = search.subject;
  if (search.judge.gradient !== undefined) return prefixesTakenBack(search, atoms, byGradient);
  const [height = 1, width = 1, channels = 1] = codec.dims;
  const dense = codec.modality === "image" && atoms.count > DENSE * height * width;
  const scores = search.judge.output === "scores";
  if (!dense) return prefixesTakenBack(search, atoms, scores ? bySizeThenWorth : bySize);
  if (scores) return prefixesTakenBack(search, atoms, bySweep(codec.dims));
  await blocksTakenBack(search, atoms, codec.dims);
  return prefixesTakenBack(search, unitAtoms(clean, search.best, channels), bySize);
}

function channels({ codec }: Subject): number {
  return codec.dims[2] ?? 1;
}

/** Pixels; all channels of one go together. */
export const images: Strategy = {
  name: "images",
  rank: (x, subject) => rank(x, subject.clean, channels(subject)),
  run: (search) => run(search, channels(search.subject)),
};

/** Coordinates of a vector. */
export const vectors: Strategy = {
  name: "vectors",
  rank: (x, { clean }) => rank(x, clean, 1),
  run: (search) => run(search, 1),
};
