// Messages made to a size, to see how a server takes them.

import type { Payload } from "../line.ts";

export type Mode = "binary" | "text";

/** The sizes on offer; up to 125 bytes the header is shortest, from 126 on it grows (RFC 6455 §5.2). */
export const SIZES = [
  { bytes: 125, label: "125 B" },
  { bytes: 126, label: "126 B" },
  { bytes: 1024, label: "1 KiB" },
  { bytes: 64 * 1024, label: "64 KiB" },
  { bytes: 64 * 1024 + 1, label: "64 KiB + 1" },
  { bytes: 1024 * 1024, label: "1 MiB" },
] as const;

const DIGITS = "0123456789abcdef";

/** Makes a message of exactly so many bytes; its pattern shows where it was cut, if it was. */
export function generate(mode: Mode, bytes: number): Payload {
  if (mode === "text") return DIGITS.repeat(Math.ceil(bytes / DIGITS.length)).slice(0, bytes);
  return Uint8Array.from({ length: bytes }, (_, at) => at & 0xff);
}
