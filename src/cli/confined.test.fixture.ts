/** What may happen in a confined process: its job says what. */
import { watchMemory } from "./confined.ts";

const held: unknown[] = [];

watchMemory();
process.once("message", async (job: string) => {
  const tell = (message: string) =>
    new Promise((resolve) => {
      process.once("message", resolve);
      process.send!(message);
    });
  await tell("one");
  await tell("two");
  // Arrays lie outside of the heap that V8 limits; without a watch this would end at 800 MB, and well.
  if (job === "memory") while (held.length < 200) held.push(new Uint8Array(2 ** 22).fill(1));
  if (job === "heap") while (held.length < 200_000) held.push(new Array(1000).fill(held.length));
  if (job === "loop") for (;;);
  if (job === "crash") process.abort();
  if (job === "throw") throw new Error("a mistake\u001b[31m");
  process.exit();
});
