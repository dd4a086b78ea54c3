import { BlindspotError, type Problem } from "../base/errors.ts";
import type { Goal } from "./threat.ts";

/** `untargeted`, `targeted:3`, `targeted:next`, `set:1,2`: as typed, and as written in a threat's id. */
export function goalName(goal: Goal): string {
  if (goal.kind === "untargeted") return "untargeted";
  if (goal.kind === "targeted") return `targeted:${goal.target}`;
  return `set:${goal.classes.join(",")}`;
}

/**
 * Reads `untargeted`, `targeted:CLASS|next|least-likely` or `set:A,B`. A class is a name of the list or an index; a name wins
 * over an index (classes called "30" and "50" are speeds).
 */
export function parseGoal(spec: string, classes: readonly string[]): Goal {
  const colon = spec.indexOf(":");
  const kind = colon < 0 ? spec : spec.slice(0, colon);
  const rest = colon < 0 ? "" : spec.slice(colon + 1);
  if (kind === "untargeted" && colon < 0) return { kind: "untargeted" };
  if (kind === "targeted" && (rest === "next" || rest === "least-likely")) return { kind: "targeted", target: rest };
  if (kind === "targeted" && rest !== "") return { kind: "targeted", target: classIndices([rest], spec, classes)[0]! };
  if (kind === "set" && rest !== "")
    return { kind: "set", classes: [...new Set(classIndices(rest.split(","), spec, classes))].sort((a, b) => a - b) };
  throw new BlindspotError({
    code: "E_GOAL",
    subject: "--goal",
    expected: "untargeted, targeted:CLASS, targeted:next, targeted:least-likely or set:A,B",
    got: `'${spec}'`,
  });
}

function classIndices(names: readonly string[], spec: string, classes: readonly string[]): number[] {
  const problems: Problem[] = [];
  const indices = names.map((raw) => {
    const name = raw.trim();
    const byName = classes.indexOf(name);
    if (byName >= 0) return byName;
    const index = /^\d+$/.test(name) ? Number(name) : -1;
    if (index < 0 || index >= classes.length)
      problems.push({
        code: "E_GOAL_CLASS",
        subject: `--goal ${spec}`,
        expected: `a class name or an index from 0 to ${classes.length - 1}`,
        got: `'${name}'`,
        hint: `The classes are ${classes.slice(0, 12).join(", ")}${classes.length > 12 ? ", ..." : ""}`,
      });
    return index;
  });
  if (problems.length > 0) throw new BlindspotError(problems);
  return indices;
}

/** The first index of the largest score; NaN never wins. -1 if there is no number at all. */
export function predictedClass(scores: ArrayLike<number>): number {
  let best = -1;
  let bestScore = -Infinity;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (score > bestScore || (best < 0 && score === bestScore)) {
      best = i;
      bestScore = score;
    }
  }
  return best;
}

/** The classes that count as success for this sample, likeliest first by the clean scores. The true class never counts. */
export function goalClasses(goal: Goal, label: number, cleanScores: ArrayLike<number>): number[] {
  const classes = cleanScores.length;
  const others = Array.from({ length: classes }, (_, index) => index).filter((index) => index !== label);
  others.sort((a, b) => cleanScores[b]! - cleanScores[a]! || a - b);
  if (goal.kind === "untargeted") return others;
  if (goal.kind === "set") return others.filter((index) => goal.classes.includes(index));
  if (goal.target === "next") return others.filter((index) => index === (label + 1) % classes);
  if (goal.target === "least-likely") return others.slice(-1);
  return others.filter((index) => index === goal.target);
}
