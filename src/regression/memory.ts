import { sha256 } from "../base/hash.ts";
import { canonicalText } from "../corpus/canonical-json.ts";

/**
 * Work that was done before, by what decides its outcome: an unchanged model and an unchanged sample cost nothing. It may be lost at any time;
 * then the work is done again.
 */
export interface Memory {
  get(key: string): unknown;
  put(key: string, value: unknown): Promise<void>;
}

export function noMemory(): Memory {
  return { get: () => undefined, put: async () => {} };
}

export function mapMemory(values: Map<string, unknown> = new Map()): Memory {
  return {
    get: (key) => values.get(key),
    put: async (key, value) => {
      values.set(key, value);
    },
  };
}

export function memoryKey(ingredients: Readonly<Record<string, unknown>>): string {
  return sha256(canonicalText(ingredients));
}
