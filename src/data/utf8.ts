import { dataError } from "./problems.ts";

/** The text of a file, without a byte order mark. An error names the first line that is no UTF-8, or says that the file is UTF-16. */
export function decodeUtf8(bytes: Uint8Array, path: string): string {
  const refuse = (where: string, got: string, hint: string, cause?: unknown) =>
    dataError(path, { code: "E_DATA_UTF8", where, expected: "UTF-8", got, hint }, cause);
  // Such texts are legal UTF-8 full of NUL, unless a byte order mark stands before them.
  const [first, second] = bytes;
  if (
    first !== undefined &&
    second !== undefined &&
    ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff) || first * second === 0)
  )
    throw refuse(
      "line 1",
      "UTF-16, or another encoding with zeros in it",
      "Convert the file: iconv -f utf-16 -t utf-8",
    );
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    const hint = "Convert the file, for example with iconv -f latin1 -t utf-8";
    throw refuse(`line ${firstBroken(bytes)}`, "bytes that are none", hint, error);
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
