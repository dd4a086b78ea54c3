/** Options by what they are about, under the names that commands and stored runs share. */

/** How the model takes its input and names its outputs. */
export const READING = ["classes", "inputRange", "mean", "std", "channels", "layout", "shape", "output"] as const;

/** How a model is reached that can only be asked; secrets are named, not told. */
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
] as const;
