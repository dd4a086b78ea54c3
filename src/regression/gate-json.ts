import type { Gated } from "./case-list.ts";

const SEPARATOR = ",\n    ";

/** A gate as `gateSchema` has it, a case on each line, piece by piece: it may be larger than what fits into memory. */
export function* gateJson({ cases, ...others }: Gated): Generator<Uint8Array | string> {
  yield `${JSON.stringify(others, null, 2).slice(0, -2)},\n  "cases": [`;
  let before = "\n    ";
  for (const piece of cases.json(SEPARATOR)) {
    yield before;
    yield piece;
    before = SEPARATOR;
  }
  yield "\n  ]\n}\n";
}
