export type { Codec, Quantize } from "./codec.ts";
export { type Field, inUserUnits } from "./field.ts";
export { type ImageEncoder, imageCodec, type Pixels } from "./image-codec.ts";
export { fromLevels, toLevels } from "./points.ts";
export { vectorCodec } from "./vector-codec.ts";
