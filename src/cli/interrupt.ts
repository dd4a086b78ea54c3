/** The first ctrl-C asks for an honest end; the second ends at once. */
export function onInterrupt(notice: (text: string) => void): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const handler = () => {
    if (controller.signal.aborted) process.exit(130);
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
