// What comes back over the echo, held against what went out; sizes; close codes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { closeCode } from "../src/close_codes.ts";
import { createExpectations } from "../src/demos/echo_reply.ts";
import { generate, SIZES } from "../src/demos/echo_size.ts";
import { formatBytes, formatCount } from "../src/quantities.ts";

test("a reply is compared with the oldest message that waits", () => {
  const expectations = createExpectations();
  expectations.expect("one", 10);
  expectations.expect(Uint8Array.of(1, 2), 11);
  const one = expectations.answer("one", 15);
  assert.equal(one.verdict, "identical");
  assert.equal(one.span, 5);
  assert.equal(expectations.answer(Uint8Array.of(1, 3), 15).verdict, "different");
  assert.equal(expectations.answer("three", 16).verdict, "unasked");
});

test("text and bytes are never the same", () => {
  const expectations = createExpectations();
  expectations.expect("a", 0);
  assert.equal(expectations.answer(Uint8Array.of(0x61), 0).verdict, "different");
});

test("a generated message has exactly its size", () => {
  for (const { bytes } of SIZES) {
    assert.equal(generate("binary", bytes).length, bytes);
    assert.equal(generate("text", bytes).length, bytes);
  }
});

test("sizes and counts are written for people", () => {
  assert.equal(formatBytes(0), "0 B");
  assert.equal(formatBytes(1536), "1.5 KiB");
  assert.equal(formatBytes(1 << 20), "1 MiB");
  assert.equal(formatCount(1_048_576), "1\u202f048\u202f576");
  assert.equal(formatCount(999), "999");
});

test("every close code has a name, known or by its range", () => {
  assert.equal(closeCode(1009).name, "message too big");
  assert.equal(closeCode(2999).name, "reserved");
  assert.equal(closeCode(3500).name, "registered");
  assert.equal(closeCode(4001).name, "private");
  assert.equal(closeCode(5000).name, "invalid");
});
