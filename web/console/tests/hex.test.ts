// Bytes as hexadecimal, and back.

import assert from "node:assert/strict";
import { test } from "node:test";
import { dump, formatHex, parseHex } from "../src/hex.ts";

function bytesOf(text: string): number[] {
  const parsed = parseHex(text);
  assert.ok(parsed.ok, `${text} is refused`);
  return [...parsed.bytes];
}

test("hexadecimal is read in every shape that people paste", () => {
  const bytes = [0x81, 0x05, 0xff];
  for (const text of ["8105ff", "81 05 FF", "0x81, 0x05, 0xff", "81:05:ff", "<Buffer 81 05 ff>"]) {
    assert.deepEqual(bytesOf(text), bytes, text);
  }
});

test("a digit that stands alone is one byte", () => {
  assert.deepEqual(bytesOf("1 0 a"), [1, 0, 10]);
});

test("nothing is an empty message", () => {
  assert.deepEqual(bytesOf("  "), []);
  assert.deepEqual(bytesOf("<Buffer >"), []);
});

test("what is no hexadecimal is refused, and named", () => {
  const parsed = parseHex("81 zz");
  assert.ok(!parsed.ok);
  assert.match(parsed.why, /zz/);
  assert.equal(parseHex("810").ok, false);
});

test("writing and reading give the same bytes", () => {
  const all = Uint8Array.from({ length: 256 }, (_, at) => at);
  assert.deepEqual(bytesOf(formatHex(all)), [...all]);
});

test("a dump keeps its columns on the last, shorter line", () => {
  const lines = dump(new TextEncoder().encode("Hello, line\n"), 8);
  assert.deepEqual(lines, [
    { offset: "0000", pairs: "48 65 6c 6c 6f 2c 20 6c", ascii: "Hello, l" },
    { offset: "0008", pairs: "69 6e 65 0a            ", ascii: "ine." },
  ]);
});

test("offsets of a large dump all have the same number of digits", () => {
  const lines = dump(new Uint8Array(0x1_0001), 16);
  assert.equal(lines[0]?.offset, "00000");
  assert.equal(lines.at(-1)?.offset, "10000");
});
