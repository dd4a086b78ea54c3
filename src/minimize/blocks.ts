import type { UnitAtoms } from "./atoms.ts";
import { type Atoms, ascending, keptOf } from "./atoms.ts";
import type { Order } from "./prefixes.ts";
import type { Search } from "./search.ts";

/** Blocks in a row and in a column that a sweep leaves out one at a time. */
const SWEEP = 8;

interface Block {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Which atoms lie in a block of an image of this width. */
function inside({ units }: UnitAtoms, width: number, block: Block): number[] {
  return [...units.keys()].filter((atom) => {
    const row = Math.floor(units[atom]! / width) - block.top;
    const column = (units[atom]! % width) - block.left;
    return row >= 0 && row < block.height && column >= 0 && column < block.width;
  });
}

/**
 * Takes back whole blocks: one that can't go is cut in four, the quarter with the smallest change first. The best of all searches when it is cut short: on
 * 32x32 images four fifths of the changed pixels are gone after half of the queries.
 */
export async function blocksTakenBack(search: Search, atoms: UnitAtoms, dims: readonly number[]): Promise<Uint8Array> {
  const [height = 1, width = 1] = dims;
  const smallest = Math.max(height, width) > 64 ? 4 : 1;
  let kept = new Uint8Array(atoms.count).fill(1);
  const energy = (block: Block) => inside(atoms, width, block).reduce((sum, atom) => sum + atoms.sizes[atom]! ** 2, 0);
  const visit = async (block: Block): Promise<void> => {
    for (const quarter of quarters(block).sort((a, b) => energy(a) - energy(b))) {
      const gone = inside(atoms, width, quarter).filter((atom) => kept[atom] === 1);
      if (gone.length === 0) continue;
      const fewer = kept.slice();
      for (const atom of gone) fewer[atom] = 0;
      if (await search.keeps(atoms.keeping(fewer)!)) kept = fewer;
      else if (quarter.height > smallest || quarter.width > smallest) await visit(quarter);
    }
  };
  await visit({ top: 0, left: 0, height, width });
  return kept;
}

function quarters({ top, left, height, width }: Block): Block[] {
  const [above, before] = [Math.ceil(height / 2), Math.ceil(width / 2)];
  const rows = [
    { top, height: above },
    { top: top + above, height: height - above },
  ];
  const columns = [
    { left, width: before },
    { left: left + before, width: width - before },
  ];
  return rows.flatMap((row) => columns.map((column) => ({ ...row, ...column }))).filter((b) => b.height * b.width > 0);
}

/** One block of an 8 by 8 grid is left out at a time; pixels of blocks that hardly count come first, small changes first among them. 64 queries. */
export function bySweep(dims: readonly number[]): Order {
  let drops: Float64Array | undefined;
  return async (search, atoms: Atoms, kept) => {
    drops ??= await sweep(search, atoms as UnitAtoms, dims);
    const largest = Math.max(...Array.from(atoms.sizes));
    const key = Float64Array.from(drops, (drop, atom) => drop + (1e-6 * atoms.sizes[atom]!) / largest);
    return ascending(keptOf(kept), key);
  };
}

async function sweep(
  search: Search,
  atoms: UnitAtoms,
  [height = 1, width = 1]: readonly number[],
): Promise<Float64Array> {
  const drops = new Float64Array(atoms.count);
  const [tall, wide] = [Math.ceil(height / SWEEP), Math.ceil(width / SWEEP)];
  const all = new Uint8Array(atoms.count).fill(1);
  const blocks: Promise<void>[] = [];
  for (let top = 0; top < height; top += tall)
    for (let left = 0; left < width; left += wide) {
      const gone = inside(atoms, width, { top, left, height: tall, width: wide });
      if (gone.length === 0) continue;
      const fewer = all.slice();
      for (const atom of gone) fewer[atom] = 0;
      const asked = search.verdict(atoms.keeping(fewer)!);
      blocks.push(
        asked.then(({ gap }) => {
          for (const atom of gone) drops[atom] = (Number.isNaN(gap) ? Number.POSITIVE_INFINITY : -gap) / gone.length;
        }),
      );
    }
  await Promise.all(blocks);
  return drops;
}
