import type { OptionName } from "./options.ts";

/** How the model takes its input and names its outputs. */
export const READING = [
  "inputRange",
  "mean",
  "std",
  "channels",
  "layout",
  "shape",
  "output",
  "classes",
] as const satisfies readonly OptionName[];

/** How a model is reached that can only be asked. */
export const QUERIED = [
  "adapter",
  "authorized",
  "bearer",
  "header",
  "answers",
  "rate",
  "concurrency",
  "requestRows",
  "timeout",
  "retries",
  "maxQueries",
  "costPerQuery",
  "maxCost",
] as const satisfies readonly OptionName[];
