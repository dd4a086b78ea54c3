export { canonicalJson } from "./canonical-json.ts";
export type { ColumnBox, FieldSpace } from "./field-space.ts";
export { type InferredSchema, inferSchema } from "./infer.ts";
export { rowCodec } from "./row-codec.ts";
export { type Levels, RowSpace } from "./row-space.ts";
export { ROW_SCHEMA, type RowField, type RowSchema, type RowSchemaFile, readRowSchema } from "./schema.ts";
