import { table } from "../report/format.ts";
import type { Lesson, LessonTable } from "./lesson.ts";

/** Widest line of running text. */
const WIDTH = 100;

/** A lesson as text for a terminal: conditions, actions, outcomes, tables, what to look at next. */
export function printLesson(lesson: Lesson): string {
  const widest = Math.max(...lesson.conditions.map(({ name }) => name.length));
  const lines = [
    lesson.title,
    ...wrap(lesson.question, ""),
    "",
    "INPUT",
    ...lesson.conditions.flatMap(({ name, value }) => wrap(value, `  ${name.padEnd(widest)}  `)),
    "",
    "ACTION",
    ...lesson.actions.flatMap((action, i) => wrap(action, `  ${i + 1}. `)),
    "",
    "OUTCOME",
    ...lesson.outcomes.flatMap((outcome) => wrap(outcome, "  - ")),
    ...lesson.tables.flatMap((one) => ["", ...printTable(one)]),
    "",
    "LOOK AT NEXT",
    ...lesson.next.flatMap(({ text, command }) => [
      ...wrap(text, "  - "),
      ...(command === undefined ? [] : [`      ${command}`]),
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

function printTable({ caption, columns, rows }: LessonTable): string[] {
  const align = columns.map((_, i) => (isText(rows, i) ? ("left" as const) : ("right" as const)));
  return [caption, ...table([columns, ...rows], align).map((line) => `  ${line}`)];
}

/** Whether a column holds words: such are set flush left. */
export function isText(rows: LessonTable["rows"], column: number): boolean {
  return rows.some((row) => !/^([<>] )?[-+]?[\d.,/e-]*( %)?$/.test(row[column] ?? ""));
}

/** Words in lines of at most `WIDTH`, the first behind `lead`, the others below it. */
function wrap(text: string, lead: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && lead.length + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = "";
    }
    line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((content, i) => (i === 0 ? lead : " ".repeat(lead.length)) + content);
}
