import { mkdir, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { BlindspotError } from "../../base/errors.ts";
import { type Exercise, exercises, findExercise, type Lesson, lessonPage, printLesson } from "../../exercises/index.ts";
import type { Workbench } from "../../exercises/workbench.ts";
import { carried, commandLine } from "../../report/command-line.ts";
import { table } from "../../report/format.ts";
import { onInterrupt } from "../interrupt.ts";
import { openTarget, type Target } from "../open.ts";
import { type Given, requireOptions } from "../options.ts";
import { defined, overridesOf } from "../plan-options.ts";
import { requirePreprocessing } from "../preprocessing.ts";
import { Progress } from "../progress.ts";

/** The road signs that lie in the package, in a clone as in an installed one. */
const EXAMPLE = fileURLToPath(new URL("../../../examples/road-signs/", import.meta.url));

type ExerciseGiven = Given & { readonly model: string; readonly data: string };

export async function run(options: Given, [name]: readonly string[]): Promise<number> {
  if (name === undefined) {
    process.stdout.write(list(options.json === true));
    return 0;
  }
  const exercise = findExercise(name);
  const given = withExample(options, exercise);
  const progress = new Progress(process.stderr, given.quiet ?? false);
  const interrupt = onInterrupt((text) => progress.line(text));
  const target = await openTarget(given);
  try {
    await requirePreprocessing(target, given);
    progress.update(() => exercise.summary);
    const bench = workbench(target, given, options, interrupt.signal);
    const lesson = await exercise.run({ ...bench, onProgress: (text) => progress.update(() => text) });
    progress.clear();
    const page = await writePage(lesson, given.out ?? join(".blindspot", "exercises"));
    process.stdout.write(given.json ? asJson(lesson) : `${printLesson(lesson)}\nWith pictures: ${page}\n`);
    return 0;
  } catch (error) {
    if (interrupt.signal.aborted) return 130;
    throw error;
  } finally {
    progress.clear();
    interrupt.dispose();
    await target.close();
  }
}

function list(json: boolean): string {
  const shown = exercises.map(({ name, summary }) => ({ name, summary }));
  if (json) return `${JSON.stringify(shown, null, 2)}\n`;
  const rows = table(
    shown.map(({ name, summary }) => [`  ${name}`, summary]),
    ["left", "left"],
  );
  return `Exercises, in the order in which one learns:\n${rows.join("\n")}\nRun one: blindspot exercise ${shown[0]!.name}\nOn your own: --model MODEL --data DATA\n`;
}

/** Fills in the bundled example where model or data were not given; the attacker's own model goes with its data only. */
function withExample(options: Given, exercise: Exercise): ExerciseGiven {
  const example = (file: string) => relative(process.cwd(), join(EXAMPLE, file));
  const bundled = options.data === undefined;
  if ((options.threat?.length ?? 1) !== 1)
    throw new BlindspotError({ code: "E_USAGE", subject: "blindspot exercise", expected: "one --threat" });
  if (!exercise.takesGoal && options.goal !== undefined)
    throw new BlindspotError({
      code: "E_USAGE",
      subject: `exercise '${exercise.name}'`,
      expected: "no --goal",
      hint: `It is for ${exercises
        .filter(({ takesGoal }) => takesGoal)
        .map((other) => other.name)
        .join(", ")}`,
    });
  const defaults: Given = {
    model: example("road-signs.onnx"),
    ...(bundled ? { data: `npz:${example("test.npz")}`, classes: example("classes.txt") } : {}),
    ...(bundled && exercise.needsSurrogate ? { surrogate: example("surrogate.onnx") } : {}),
  };
  const required = exercise.needsSurrogate ? (["model", "data", "surrogate"] as const) : (["model", "data"] as const);
  return requireOptions({ ...defaults, ...options }, required, `exercise ${exercise.name}`);
}

function workbench(target: Target, given: ExerciseGiven, typed: Given, signal: AbortSignal): Workbench {
  const { goal, quantize, samples, seed, from, threat } = given;
  const bundled = typed.data === undefined;
  const context = { model: { name: given.model }, data: { spec: given.data } };
  // An exercise finds the bundled example by itself.
  const found = (["model", "data"] as const).filter((option) => typed[option] === undefined);
  return {
    model: target.classifier,
    surrogate: target.surrogate,
    options: {
      data: target.data,
      overrides: overridesOf(given),
      ...defined({ goal, quantize, samples, seed, from, threat: threat?.[0] }),
      ...(target.mask === null ? {} : { mask: target.mask }),
    },
    bundled,
    names: {
      model: basename(given.model),
      surrogate: given.surrogate === undefined ? null : basename(given.surrogate),
      data: bundled ? "the bundled road signs" : given.data,
    },
    command: (words, keep = []) => {
      const dropped = (["goal", "surrogate"] as const).filter((option) => !keep.includes(option));
      const sameThreat = words[0] === "exercise" ? (threat ?? []).flatMap((one) => ["--threat", one]) : [];
      return commandLine([
        ...words,
        ...sameThreat,
        ...(words[0] === "exercise"
          ? carried({ ...context, options: { ...typed } }, [...dropped, ...found])
          : carried({ ...context, options: { ...given } }, dropped)),
      ]);
    },
    signal,
  };
}

/** The lesson without its pictures' pixels: the page holds those. */
function asJson(lesson: Lesson): string {
  const pictures = lesson.pictures?.captions ?? null;
  return `${JSON.stringify({ ...lesson, pictures }, null, 2)}\n`;
}

async function writePage(lesson: Lesson, directory: string): Promise<string> {
  const path = join(directory, `${lesson.exercise}.html`);
  await mkdir(directory, { recursive: true });
  await writeFile(path, await lessonPage(lesson));
  return path;
}
