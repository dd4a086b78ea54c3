/** npx passes on a ctrl-C that the terminal has sent to this process too: signals this near are one. */
const SAME_MS = 500;

/** The first ctrl-C asks for an honest end; the second ends at once. */
export function onInterrupt(notice: (text: string) => void): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  let first = 0;
  const handler = () => {
    if (controller.signal.aborted) {
      if (performance.now() - first > SAME_MS) process.exit(130);
      return;
    }
    first = performance.now();
    controller.abort();
    notice("Stopping; what is finished is kept. Press ctrl-C again to stop at once.");
  };
  process.on("SIGINT", handler);
  process.on("SIGTERM", handler);
  return {
    signal: controller.signal,
    dispose: () => {
      process.off("SIGINT", handler);
      process.off("SIGTERM", handler);
    },
  };
}
