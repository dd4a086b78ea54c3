import { sha256 } from "../../base/hash.ts";

/** The content security policy of a page with this style and, if it has one, this script: nothing else runs, nothing is loaded. */
export function contentPolicy(style: string, script?: string): string {
  const scripts = script === undefined ? "" : ` script-src '${digest(script)}';`;
  return `default-src 'none'; img-src data:; style-src '${digest(style)}';${scripts} base-uri 'none'; form-action 'none'`;
}

/** As a content security policy names an inline text. */
function digest(text: string): string {
  const bytes = sha256(text)
    .match(/../g)!
    .map((hex) => Number.parseInt(hex, 16));
  return `sha256-${btoa(String.fromCharCode(...bytes))}`;
}
