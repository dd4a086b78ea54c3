import type { Knowledge } from "../attacks/attack.ts";

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

interface Titled {
  readonly title: string;
  /** What one sees, in a sentence: for those who cannot see it. */
  readonly description: string;
}

/** Lines over a common axis, their points from left to right. */
export interface LinesChart extends Titled {
  readonly kind: "lines";
  readonly x: string;
  readonly y: string;
  readonly series: readonly { readonly name: string; readonly points: readonly (readonly [number, number])[] }[];
}

/** Share of the attacked samples that were fooled, over queries. */
export interface EffortChart extends Titled {
  readonly kind: "effort";
  readonly series: readonly {
    readonly name: string;
    readonly knowledge: Knowledge;
    /** Queries until success, of the fooled samples, in rising order. */
    readonly queries: readonly number[];
    readonly attacked: number;
  }[];
}

/** The page draws charts; the console leaves them to the tables. */
export type LessonChart = LinesChart | EffortChart;

/** One input before and after, in attack space (0..1, height-width-channel order). */
export interface LessonPictures {
  /** [height, width, channels] */
  readonly dims: readonly number[];
  readonly before: Float32Array;
  readonly after: Float32Array;
  readonly captions: { readonly before: string; readonly after: string };
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
  /** Null where nothing was changed, and for what is no image. */
  readonly pictures: LessonPictures | null;
  readonly next: readonly NextStep[];
  /** Every number of the texts above, by name, unrounded. */
  readonly figures: Readonly<Record<string, Figure>>;
}
