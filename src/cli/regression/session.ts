import { join } from "node:path";
import { stopSignal } from "../../assess/stop-signal.ts";
import type { GateEvent } from "../../regression/event.ts";
import { fileMemory } from "../../regression/files-memory.ts";
import type { Memory } from "../../regression/memory.ts";
import { onInterrupt } from "../interrupt.ts";
import type { Given } from "../options.ts";
import { Progress } from "../progress.ts";
import { version } from "../version.ts";

/** Answers of earlier replays and re-attacks. Never committed; it may be removed at any time. */
const MEMORY = join(".blindspot", "memory", "regression.sqlite");

/** What every command that replays needs: progress, an honest end, what was learned before. */
export interface Session {
  readonly progress: Progress;
  readonly interrupted: () => boolean;
  /** As the functions of `regression` take it. */
  readonly options: {
    readonly memory: Memory;
    readonly toolVersion: string;
    readonly signal: AbortSignal;
    readonly onEvent: (event: GateEvent) => void;
  };
  end(): void;
}

export async function beginSession({ time, quiet = false }: Given): Promise<Session> {
  const progress = new Progress(process.stderr, quiet);
  const interrupt = onInterrupt((text) => progress.line(text));
  const memory = await fileMemory(MEMORY);
  return {
    progress,
    interrupted: () => interrupt.signal.aborted,
    options: {
      memory,
      toolVersion: version(),
      signal: stopSignal(time, interrupt.signal) ?? interrupt.signal,
      onEvent: (event) => progress.update(() => told(event)),
    },
    end() {
      progress.clear();
      interrupt.dispose();
      memory.close();
    },
  };
}

function told(event: GateEvent): string {
  const { version: name, done, of } = event;
  if (event.kind === "replay") return `replay on ${name}: ${done} of ${of}`;
  return `re-attack on ${name}, ${event.threat.split(";")[0]}: ${done} of ${of}, ${event.fooled} fooled`;
}
