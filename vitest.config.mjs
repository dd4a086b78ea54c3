import { defineConfig } from "vitest/config";

// Two cores: two files at a time. Tests that load ONNX Runtime themselves must not send its telemetry either. Sessions live in worker threads that need the built file, so `npm test` builds first.
export default defineConfig({
  test: { include: ["src/**/*.test.ts", "examples/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 120_000, pool: "forks", maxWorkers: 2,
    env: { ORT_DISABLE_TELEMETRY: "1" } },
});
