export type { InputRange, Layout } from "./arrays.ts";
export type { DataSample, Dataset } from "./dataset.ts";
export { type DrawOptions, drawSamples, type SampleCount } from "./draw.ts";
export { labelProblems } from "./labels.ts";
export { type OpenOptions, openDataset } from "./open.ts";
export { sharpImages } from "./sharp-images.ts";
