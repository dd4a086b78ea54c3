import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "examples/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: "forks",
    // Two cores: two files at a time. Sessions live in worker threads that need the built file, so `npm test` builds first.
    maxWorkers: 2,
    // Tests that load ONNX Runtime themselves must not send its telemetry either.
    env: { ORT_DISABLE_TELEMETRY: "1" },
  },
});
