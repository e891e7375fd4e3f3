// Headers of single frames, with the examples of RFC 6455 §5.7.

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeHeader, type Opcode } from "../src/header.ts";
import { formatHex } from "../src/hex.ts";

function header(opcode: Opcode, length: number, masked: boolean): string {
  return formatHex(encodeHeader(opcode, length, masked));
}

test("the hello of the RFC, from the server and from the client", () => {
  assert.equal(header("text", 5, false), "81 05");
  assert.equal(header("text", 5, true), "81 85");
});

test("the length takes the shortest of its three forms", () => {
  assert.equal(header("binary", 125, false), "82 7d");
  assert.equal(header("binary", 126, false), "82 7e 00 7e");
  assert.equal(header("binary", 256, false), "82 7e 01 00");
  assert.equal(header("binary", 65_535, true), "82 fe ff ff");
  assert.equal(header("binary", 65_536, false), "82 7f 00 00 00 00 00 01 00 00");
});

test("a close frame has opcode eight", () => {
  assert.equal(header("close", 2, true), "88 82");
});
