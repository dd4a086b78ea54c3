import { sha256 as digest } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** SHA-256 as 64 hexadecimal digits. A string is hashed as UTF-8. */
export function sha256(data: Uint8Array | string): string {
  return bytesToHex(digest(typeof data === "string" ? utf8ToBytes(data) : data));
}
