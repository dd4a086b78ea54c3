import { type Alignment, editsBetween, type Limits } from "../inputs/text/align.ts";
import { textOf, textPoint } from "../inputs/text/code-points.ts";
import { EditSpace } from "../inputs/text/edit-space.ts";
import { LIMIT_KINDS, type LimitKind } from "../inputs/text/edits.ts";
import { segmentsOf, wayTo } from "../inputs/text/known.ts";
import { textProblem } from "../inputs/text/text-codec.ts";
import { type ThreatOptions, threatId } from "./box.ts";
import type { Threat } from "./threat.ts";

/**
 * So many edits of each kind, counted from the two texts alone: whatever made x, it is allowed if some way within the limits leads to it. There
 * are no gradients and no balls here, so there are no steps either: what a search proposes is checked, not projected.
 */
export function text(limits: Limits, options: ThreatOptions = {}): Threat {
  const { goal = { kind: "untargeted" } } = options;
  const epsilon = LIMIT_KINDS.reduce((sum, kind) => sum + limits[kind], 0);
  const spelled = options.spelled ?? spelledOut(limits);
  const way = (x: Float32Array, x0: Float32Array) => wayTo(x, x0, limits);
  const scatter: Threat["randomPoint"] = (x0, rng) => {
    const space = new EditSpace(textOf(x0), limits, segmentsOf(x0));
    const edited = space.text(space.random(rng));
    return [...edited].length > x0.length ? Float32Array.from(x0) : textPoint(edited, x0.length);
  };

  return {
    id: threatId("text", epsilon, { ...options, spelled }),
    norm: "text",
    epsilon,
    effectiveEpsilon: epsilon,
    quantize: "none",
    goal,
    mask: null,
    unit: 1,
    text: limits,
    randomPoint: scatter,
    randomBoundaryPoint: scatter,
    steepest: (gradient, out = new Float32Array(gradient.length)) => out.fill(0),
    ascend(x, _gradient, _length, _x0, out = new Float32Array(x.length)) {
      out.set(x);
      return out;
    },
    /** There is no nearest text: one that is not allowed becomes the clean one. */
    project(x, x0) {
      if (textProblem(x, x0.length) !== null || way(x, x0) === null) x.set(x0);
      return x;
    },
    deployable: (x) => Float32Array.from(x),
    /** In edits; infinite for texts that the limits do not allow. */
    distance: (x, x0) => way(x, x0)?.total ?? Infinity,
    diameter: (size) => size,
    violation(x, x0) {
      const problem = textProblem(x, x0.length);
      if (problem !== null) return problem;
      return way(x, x0) === null ? excess(editsBetween(segmentsOf(x0), [...textOf(x)]), spelled) : null;
    },
    withEpsilon(other) {
      const scaled = (kind: LimitKind) => Math.floor(limits[kind] * (epsilon === 0 ? 0 : other / epsilon) + 1e-9);
      const { spelled: _, ...rest } = options;
      return text(Object.fromEntries(LIMIT_KINDS.map((kind) => [kind, scaled(kind)])) as Limits, rest);
    },
  };
}

/** `invisible=2+words=1` */
function spelledOut(limits: Limits): string {
  const parts = LIMIT_KINDS.filter((kind) => limits[kind] > 0).map((kind) => `${kind}=${limits[kind]}`);
  return parts.join("+") || "invisible=0";
}

function excess({ edits, counts }: Alignment, allowed: string): string {
  const needed = LIMIT_KINDS.filter((kind) => counts[kind] > 0).map((kind) => `${kind}=${counts[kind]}`);
  return edits.some(({ kind }) => kind === "rewrite")
    ? `is another text: more is rewritten than ${allowed} allows`
    : `differs by ${needed.join("+")}, allowed ${allowed}`;
}
