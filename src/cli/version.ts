import { readFileSync } from "node:fs";

/** Of the package, from the file beside dist/ and src/. */
export function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
