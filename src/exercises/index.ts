import { BlindspotError } from "../base/errors.ts";
import { blackBox } from "./black-box.ts";
import { epsilon } from "./epsilon.ts";
import type { Exercise } from "./exercise.ts";
import { explainItBack } from "./explain-it-back.ts";
import { fgsmByHand } from "./fgsm-by-hand.ts";
import { targeted } from "./targeted.ts";
import { transfer } from "./transfer.ts";

export type { Exercise } from "./exercise.ts";
export type { Lesson } from "./lesson.ts";
export { lessonPage } from "./page.ts";
export { printLesson } from "./print.ts";
export type { Workbench } from "./workbench.ts";

/** In the order in which one learns. */
export const exercises: readonly Exercise[] = [fgsmByHand, epsilon, targeted, blackBox, transfer, explainItBack];

/** The exercise of this name. An unknown name is an error that lists what exists. */
export function findExercise(name: string): Exercise {
  const found = exercises.find((exercise) => exercise.name === name);
  if (found !== undefined) return found;
  throw new BlindspotError({
    code: "E_EXERCISE_UNKNOWN",
    subject: `exercise '${name}'`,
    expected: exercises.map((exercise) => exercise.name).join(", "),
  });
}
