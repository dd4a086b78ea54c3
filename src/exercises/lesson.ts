/** One line of the conditions: what, and its value. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

export interface LessonTable {
  readonly caption: string;
  readonly columns: readonly string[];
  /** Figures are set flush right. */
  readonly rows: readonly (readonly string[])[];
}

/** Lines over a common axis. The page draws them; the console leaves them to the tables. */
export interface LessonChart {
  readonly title: string;
  /** What one sees, in a sentence: for those who cannot see it. */
  readonly description: string;
  readonly x: string;
  readonly y: string;
  readonly series: readonly { readonly name: string; readonly points: readonly (readonly [number, number])[] }[];
}

/** An image of the lesson, in attack space (0..1, height-width-channel order). */
export interface LessonPicture {
  readonly caption: string;
  readonly dims: readonly number[];
  readonly point: Float32Array;
}

export interface NextStep {
  readonly text: string;
  readonly command?: string;
}

export type Figure = number | string | null;

/**
 * What an exercise found, as data: console, page and JSON are functions of it. Told as every finding is: under which input
 * conditions, by which actions, with which outcomes.
 */
export interface Lesson {
  readonly exercise: string;
  readonly title: string;
  /** What the learner is after, in a sentence. */
  readonly question: string;
  readonly concepts: readonly { readonly term: string; readonly meaning: string }[];
  readonly conditions: readonly Fact[];
  readonly actions: readonly string[];
  readonly outcomes: readonly string[];
  readonly tables: readonly LessonTable[];
  readonly charts: readonly LessonChart[];
  /** Before, after, difference: in this order. Empty for what is no image. */
  readonly pictures: readonly LessonPicture[];
  readonly next: readonly NextStep[];
  /** Every number of the texts above, by name, unrounded. */
  readonly figures: Readonly<Record<string, Figure>>;
}
