export { type DecodeOptions, decodeModel, encodeModel } from "./codec.ts";
export { DEFAULT_LIMITS, type DecodeLimits } from "./limits.ts";
export {
  codeFromDtype,
  decodeTensor,
  dtypeFromCode,
  encodeTensor,
  nameOfCode,
  tensorFromProto,
  tensorToProto,
} from "./tensor-proto.ts";
