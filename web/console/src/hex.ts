// Bytes as hexadecimal, and back.

/** The outcome of reading hexadecimal that a person typed. */
export type ParsedHex = { ok: true; bytes: Uint8Array<ArrayBuffer> } | { ok: false; why: string };

/**
 * Reads bytes from what people type or paste: `81 05`, `0x81,0x05`, `8105`, `81:05`, `<Buffer 81 05>`.
 *
 * A single digit that stands alone is one byte. An odd number of digits in a longer run is refused,
 * because nobody can know which one is missing.
 */
export function parseHex(text: string): ParsedHex {
  const bytes: number[] = [];
  const inner = text
    .trim()
    .replace(/^<Buffer\b/, "")
    .replace(/>$/, "");
  for (const word of inner.split(/[\s,:;-]+/)) {
    const digits = word.replace(/^0x/i, "");
    if (digits === "") continue;
    if (!/^[0-9a-f]+$/i.test(digits)) return { ok: false, why: `“${word}” is not hexadecimal` };
    if (digits.length > 1 && digits.length % 2 === 1) {
      return { ok: false, why: `“${word}” has an odd number of digits` };
    }
    for (let at = 0; at < digits.length; at += 2) {
      bytes.push(Number.parseInt(digits.slice(at, at + 2), 16));
    }
  }
  return { ok: true, bytes: Uint8Array.from(bytes) };
}

/** Writes bytes as pairs of digits with a space between them. */
export function formatHex(bytes: Uint8Array): string {
  return Array.from(bytes, pair).join(" ");
}

/** One line of a hex dump. */
export interface DumpLine {
  /** Where the line begins, in digits of the same number on every line. */
  readonly offset: string;
  /** The pairs, padded to the full width so that the columns stand. */
  readonly pairs: string;
  /** Printable ASCII; everything else is a dot. */
  readonly ascii: string;
}

/** Lays bytes out as offset, pairs and ASCII, `width` bytes on a line. */
export function dump(bytes: Uint8Array, width: number): DumpLine[] {
  const lines: DumpLine[] = [];
  const digits = Math.max(4, Math.max(0, bytes.length - 1).toString(16).length);
  const columns = width * 3 - 1;
  for (let at = 0; at < bytes.length; at += width) {
    const row = bytes.subarray(at, at + width);
    lines.push({
      offset: at.toString(16).padStart(digits, "0"),
      pairs: formatHex(row).padEnd(columns, " "),
      ascii: Array.from(row, printable).join(""),
    });
  }
  return lines;
}

function pair(byte: number): string {
  return byte.toString(16).padStart(2, "0");
}

function printable(byte: number): string {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".";
}
