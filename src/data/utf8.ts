import { dataError } from "./problems.ts";

/** The text of a file, without a byte order mark. An error names the first line that is no UTF-8. */
export function decodeUtf8(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw dataError(
      path,
      {
        code: "E_DATA_UTF8",
        where: `line ${firstBroken(bytes)}`,
        expected: "UTF-8",
        got: "bytes that are none",
        hint: "Convert the file, for example with iconv -f latin1 -t utf-8",
      },
      error,
    );
  }
}

/** Number of the first line, from 1, that can't be decoded: a newline is never part of a longer character. */
function firstBroken(bytes: Uint8Array): number {
  for (let line = 1, from = 0; from < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, from);
    const to = end < 0 ? bytes.length : end + 1;
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(from, to));
    } catch {
      return line;
    }
    from = to;
  }
  return 1;
}
