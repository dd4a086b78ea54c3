/** A thread that ends its process when that takes too much memory: it also sees what the main thread does not return from. */
import { writeSync } from "node:fs";
import { workerData } from "node:worker_threads";
import { MEMORY_MARK } from "./confined.ts";

const EVERY_MS = 25;
/** In a thread `process.stderr` goes through the main thread, which may be busy. */
const STDERR = 2;

setInterval(() => {
  if (process.memoryUsage.rss() <= (workerData as { limit: number }).limit) return;
  writeSync(STDERR, MEMORY_MARK);
  process.kill(process.pid, "SIGKILL");
}, EVERY_MS);
