import type { Given } from "../options.ts";
export async function run(_options: Given, _args: readonly string[]): Promise<number> {
  return 0;
}
