export type { Codec, FieldChange, Modality, Quantize } from "./codec.ts";
export { type Field, type FieldValue, inUserUnits } from "./field.ts";
export { type ImageEncoder, imageCodec, type Pixels } from "./image-codec.ts";
export { fromLevels, toLevels } from "./points.ts";
export {
  inferSchema,
  type RowField,
  type RowSchema,
  type RowSchemaFile,
  RowSpace,
  readRowSchema,
  rowCodec,
} from "./row/index.ts";
export { textOf, textPoint } from "./text/code-points.ts";
export { textCodec } from "./text/text-codec.ts";
export { vectorCodec } from "./vector-codec.ts";
