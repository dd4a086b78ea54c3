import { defineConfig } from "vitest/config";

// Two cores: two files at a time. Sessions live in worker threads that need the built file, so `npm test` builds first.
export default defineConfig({
  test: { include: ["src/**/*.test.ts", "examples/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 120_000, pool: "forks", maxWorkers: 2 },
});
