export { type Atoms, unitAtoms } from "./atoms.ts";
export { judgeOf, type Passes } from "./judge.ts";
export { NOISE_RADIUS, type RayDistance, rayDistance, type Stability, stability } from "./measures.ts";
export { type Minimized, minimize, type NotReproduced } from "./minimize.ts";
export type { Guarantee, Judge, Limits, Rank, Search, Stop, Strategy, Subject } from "./search.ts";
export { STALL, shrinkingOf } from "./strategies.ts";
export { neededAtoms } from "./subsets.ts";
export { strengthened, WITNESS_GAP, type Witness } from "./witness.ts";
