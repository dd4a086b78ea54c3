export type { InputRange, Layout } from "./arrays.ts";
export type { DataSample, Dataset } from "./dataset.ts";
export { type DrawOptions, drawSamples, type SampleCount } from "./draw.ts";
export { labelProblems } from "./labels.ts";
export { openDataset } from "./open.ts";
export type { OpenOptions } from "./options.ts";
export { openPairs, type Pairs } from "./pairs.ts";
export { inferRows } from "./rows.ts";
export { sharpImages } from "./sharp-images.ts";
