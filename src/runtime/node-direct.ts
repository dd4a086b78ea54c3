import type { DType, Tensor } from "../tensor/tensor.ts";
import type { Feeds } from "./runtime.ts";

/**
 * Runs a model once on onnxruntime-node, in the calling thread, which is blocked meanwhile: for tests and small tools. Everything else
 * uses `nodeRuntime`. All optimizations are on; one thread, so that results repeat.
 */
export async function runDirectly(
  model: Uint8Array,
  feeds: Feeds,
  outputs?: readonly string[],
): Promise<Record<string, Tensor>> {
  // Read by the library when it is loaded: hence the dynamic import.
  process.env["ORT_DISABLE_TELEMETRY"] = "1";
  const ort = await import("onnxruntime-node");
  const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  try {
    const given = Object.entries(feeds).map(([name, { dtype, dims, data }]) => [
      name,
      new ort.Tensor(dtype as "float32", data as Float32Array, dims),
    ]);
    const results = await session.run(Object.fromEntries(given), outputs ?? session.outputNames);
    return Object.fromEntries(
      Object.entries(results).map(([name, { type, dims, data }]) => [
        name,
        { dtype: type as DType, dims, data: data as Tensor["data"] },
      ]),
    );
  } finally {
    await session.release();
  }
}
