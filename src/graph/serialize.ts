/** In and out of the ONNX file format. */
export { readModel } from "./read.ts";
export { writeModel } from "./write.ts";
