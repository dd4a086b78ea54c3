import type { Target } from "./open.ts";
import type { Given } from "./options.ts";

export async function requirePreprocessing(_target: Target, _given: Given): Promise<void> {}
