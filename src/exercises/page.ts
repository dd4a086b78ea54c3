import type { Lesson } from "./lesson.ts";

export async function lessonPage(lesson: Lesson): Promise<string> {
  return `<!doctype html><title>${lesson.exercise}</title>`;
}
