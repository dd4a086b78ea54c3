/** The changes of an input, each of which can be taken back on its own. */
export interface Atoms {
  readonly count: number;
  /** The clean side with these changes alone (1: kept, 0: taken back); null where they can't stand without others. A new array. */
  keeping(kept: Uint8Array): Float32Array | null;
  /** How large each change is: where nothing else is known, small ones are taken back first. */
  readonly sizes: ArrayLike<number>;
  /** To first order, what each change adds to the lead of the wrong class, by a gradient with respect to the point. */
  gains?(gradient: Float32Array): Float64Array;
}

/** Changed coordinates; `unit` neighbors count as one, such as the channels of a pixel. */
export interface UnitAtoms extends Atoms {
  /** Position of each changed unit. */
  readonly units: readonly number[];
  gains(gradient: Float32Array): Float64Array;
}

export function unitAtoms(clean: Float32Array, wrong: Float32Array, unit: number): UnitAtoms {
  const units: number[] = [];
  const sizes: number[] = [];
  for (let start = 0; start < clean.length; start += unit) {
    let squares = 0;
    for (let i = start; i < start + unit; i++) squares += (wrong[i]! - clean[i]!) ** 2;
    if (squares === 0) continue;
    units.push(start / unit);
    sizes.push(Math.sqrt(squares));
  }
  return {
    count: units.length,
    units,
    sizes,
    keeping(kept) {
      const x = clean.slice();
      for (let atom = 0; atom < units.length; atom++) {
        if (kept[atom] === 0) continue;
        for (let i = units[atom]! * unit; i < (units[atom]! + 1) * unit; i++) x[i] = wrong[i]!;
      }
      return x;
    },
    gains(gradient) {
      return Float64Array.from(units, (at) => {
        let gain = 0;
        for (let i = at * unit; i < (at + 1) * unit; i++)
          if (Number.isFinite(gradient[i])) gain += gradient[i]! * (wrong[i]! - clean[i]!);
        return gain;
      });
    },
  };
}

/** Atoms with the lowest value first; equal ones by position. */
export function ascending(atoms: Iterable<number>, values: ArrayLike<number>): number[] {
  return [...atoms].sort((a, b) => values[a]! - values[b]! || a - b);
}

/** Positions of the ones. */
export function keptOf(kept: Uint8Array): number[] {
  return [...kept.keys()].filter((atom) => kept[atom] === 1);
}
